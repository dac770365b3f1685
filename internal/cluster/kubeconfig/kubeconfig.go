// Package kubeconfig finds clusters that exist already, by kubeconfig file and context.
//
// A name is no proof of which cluster answers: contexts are edited and clusters are made
// anew. So the identity of the cluster is recorded on first use of an environment, and
// another one behind the same name is refused.
package kubeconfig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/reach"
)

// Provider finds one existing cluster. It makes none and destroys none.
type Provider struct {
	spec        config.KubeconfigProvider
	environment string
	dir         string
}

var _ cluster.Provider = (*Provider)(nil)

// New returns a provider for the environment of that name, which keeps the recorded
// identity under dir. An empty path means kubectl's own rules (KUBECONFIG, then
// ~/.kube/config); an empty context means the current one.
func New(spec config.KubeconfigProvider, environment, dir string) *Provider {
	return &Provider{spec: spec, environment: environment, dir: filepath.Join(dir, "kubeconfig")}
}

// Ensure connects to the cluster and holds its identity against the recorded one. The
// cluster goes on after Release, which removes only the kubeconfig file made for this use.
func (p *Provider) Ensure(ctx context.Context, name string, _ bool, progress cluster.Progress) (*cluster.Cluster, error) {
	c, err := p.connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("environment %s: %w", p.environment, err)
	}
	if progress != nil {
		progress("using the cluster at %s", c.rest.Host)
	}
	path, remove, err := p.writeOwn(c)
	if err != nil {
		return nil, fmt.Errorf("environment %s: writing its kubeconfig: %w", p.environment, err)
	}
	return &cluster.Cluster{
		Name: name, Provider: "kubeconfig", UID: c.id.UID, Version: c.id.Version,
		Kubeconfig: path, REST: c.rest, Best: reach.Live,
		Release: func(context.Context) error { return remove() },
	}, nil
}

// Status looks without touching: an unknown cluster is not recorded.
func (p *Provider) Status(ctx context.Context, _ string) (cluster.Status, error) {
	c, err := p.load()
	if err != nil {
		return cluster.Status{}, fmt.Errorf("environment %s: %w", p.environment, err)
	}
	if c.id, err = cluster.Identify(ctx, c.rest); err != nil {
		return cluster.Status{State: cluster.Broken, Detail: err.Error()}, nil
	}
	known, err := p.known()
	if err == nil && known != nil {
		err = p.compare(*known, c)
	}
	if err != nil {
		return cluster.Status{State: cluster.Broken, Detail: err.Error()}, nil
	}
	return cluster.Status{State: cluster.Running, UID: c.id.UID, Version: c.id.Version, Detail: "at " + c.rest.Host}, nil
}

func (p *Provider) connect(ctx context.Context) (connection, error) {
	c, err := p.load()
	if err != nil {
		return c, err
	}
	if c.id, err = cluster.Identify(ctx, c.rest); err != nil {
		return c, fmt.Errorf("the cluster at %s does not answer as it should: %w", c.rest.Host, err)
	}
	return c, p.recognise(c)
}

var unsafeInFile = regexp.MustCompile(`[^A-Za-z0-9._-]`)

// identityFile is where the identity of this environment's cluster is recorded.
func (p *Provider) identityFile() string {
	return filepath.Join(p.dir, unsafeInFile.ReplaceAllString(p.environment, "_")+".identity.json")
}

// writeOwn writes a kubeconfig of this context alone, readable by the user alone: it has
// the credentials in it.
func (p *Provider) writeOwn(c connection) (path string, remove func() error, err error) {
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return "", nil, err
	}
	file, err := os.CreateTemp(p.dir, "use-*.kubeconfig") // made with mode 0600
	if err != nil {
		return "", nil, err
	}
	path = file.Name()
	content, err := clientcmd.Write(c.own)
	if err == nil {
		_, err = file.Write(content)
	}
	remove = sync.OnceValue(func() error { return os.Remove(path) })
	if err = errors.Join(err, file.Close()); err != nil {
		return "", nil, errors.Join(err, remove())
	}
	return path, remove, nil
}

func restConfig(overridden clientcmd.ClientConfig) (*rest.Config, error) {
	config, err := overridden.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	return config, nil
}
