package cli

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/stagegate/stagegate/internal/apply"
	applyhelm "github.com/stagegate/stagegate/internal/apply/helm"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/bundle"
	"github.com/stagegate/stagegate/internal/change/helm"
	"github.com/stagegate/stagegate/internal/change/kustomize"
	"github.com/stagegate/stagegate/internal/change/manifest"
	changeterraform "github.com/stagegate/stagegate/internal/change/terraform"
	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/cluster/embedded"
	"github.com/stagegate/stagegate/internal/cluster/embedded/controlplane"
	"github.com/stagegate/stagegate/internal/cluster/kind"
	"github.com/stagegate/stagegate/internal/cluster/kubeconfig"
	clusterterraform "github.com/stagegate/stagegate/internal/cluster/terraform"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/pipeline"
)

// The one place where back ends are wired together.

func (f *factory) loaders() change.Loaders {
	kinds := change.Loaders{
		change.Manifest:  manifest.Loader{In: f.streams.In},
		change.Kustomize: kustomize.Loader{},
		change.Helm:      helm.Loader{},
		change.Terraform: changeterraform.Loader{},
	}
	kinds[change.Bundle] = bundle.New(maps.Clone(kinds))
	return kinds
}

func (f *factory) provider(env *config.Environment) (cluster.Provider, error) {
	home, err := f.home()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(home, "clusters", env.Provider.Name())
	switch p := env.Provider; {
	case p.Kind != nil:
		return kind.New(config.KindProvider{Image: p.Kind.Image, Config: env.Path(p.Kind.Config)}, dir), nil
	case p.Kubeconfig != nil:
		spec := *p.Kubeconfig
		spec.Path = env.Path(spec.Path)
		return kubeconfig.New(spec, env.Name, dir), nil
	case p.Embedded != nil:
		return &embedded.Provider{Root: dir, Binary: controlplane.Find}, nil
	case p.Terraform != nil:
		cache, err := terraformCache()
		if err != nil {
			return nil, err
		}
		return clusterterraform.New(clusterterraform.Options{Environment: env, Dir: dir, Home: filepath.Join(home, "terraform"), Cache: cache}), nil
	}
	return nil, fmt.Errorf("%s: no provider is set", env.File)
}

// backends makes the back ends of one environment. Terraform's private copies lie in the
// state directory, and what it downloads in the user's cache.
func (f *factory) backends(home, cache string) func(*config.Environment, *apply.Clients, *cluster.Cluster) map[change.Kind]apply.Backend {
	return func(env *config.Environment, clients *apply.Clients, up *cluster.Cluster) map[change.Kind]apply.Backend {
		options := apply.Options{ReadyTimeout: env.Gate.ReadyTimeout}
		objects := apply.NewObjects(clients, options)
		return map[change.Kind]apply.Backend{
			change.Manifest:  objects,
			change.Kustomize: objects,
			change.Helm:      applyhelm.New(clients, options),
			change.Terraform: f.terraformBackend(env, up, home, cache),
		}
	}
}

func (f *factory) runner(envs []*config.Environment) (*pipeline.Runner, error) {
	dir, err := f.home()
	if err != nil {
		return nil, err
	}
	cache, err := terraformCache()
	if err != nil {
		return nil, err
	}
	store, err := f.evidence()
	if err != nil {
		return nil, err
	}
	return &pipeline.Runner{
		Environments: envs, Provider: f.provider, Backends: f.backends(dir, cache), Prober: f.prober, Loaders: f.loaders(),
		Evidence: store, Progress: f.progress(), Home: dir, Version: version(), Now: time.Now, Recorded: f.recorded,
		SettleInterval: 500 * time.Millisecond,
	}, nil
}

// terraformCache is where Terraform's plugins and programs are kept for all environments.
func terraformCache() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the user's cache: %w: set XDG_CACHE_HOME to a directory", err)
	}
	return filepath.Join(cache, "stagegate", "terraform"), nil
}
