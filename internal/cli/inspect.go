package cli

import (
	"fmt"
	"path/filepath"

	applyterraform "github.com/stagegate/stagegate/internal/apply/terraform"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/terraform"
	"github.com/stagegate/stagegate/internal/change/terraform/inspect"
	"github.com/stagegate/stagegate/internal/change/tree"
	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/config"
)

// inspectors look at what a check cannot render: by reading it, or, where the user trusts
// it, by a plan. The cluster may be nil.
func (o *checkOptions) inspectors(env *config.Environment, up *cluster.Cluster) (map[change.Kind]change.Inspector, error) {
	if !o.trust {
		return map[change.Kind]change.Inspector{change.Terraform: inspect.Inspector(env, terraformFiles)}, nil
	}
	home, err := o.home()
	if err != nil {
		return nil, err
	}
	cache, err := terraformCache()
	if err != nil {
		return nil, err
	}
	backend := o.terraformBackend(env, up, home, cache)
	return map[change.Kind]change.Inspector{change.Terraform: backend.Inspect}, nil
}

// terraformBackend plans and applies in private copies in the state directory.
func (f *factory) terraformBackend(env *config.Environment, up *cluster.Cluster, home, cache string) *applyterraform.Backend {
	options := applyterraform.Options{Home: filepath.Join(home, "terraform"), Cache: cache, Environment: env, AllowDelete: f.allowDelete}
	if up != nil {
		options.Kubeconfig, options.ClusterUID = up.Kubeconfig, up.UID
	}
	return applyterraform.New(options)
}

func terraformFiles(part change.Part) ([]tree.File, error) {
	p, ok := part.(*terraform.Part)
	if !ok {
		return nil, fmt.Errorf("%s is no Terraform configuration", part.Name())
	}
	return p.Config().Own(), nil
}
