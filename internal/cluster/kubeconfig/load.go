package kubeconfig

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	api "k8s.io/client-go/tools/clientcmd/api"

	"github.com/stagegate/stagegate/internal/cluster"
)

// connection is one context of a kubeconfig, with the cluster's identity once it answered.
type connection struct {
	own  api.Config // this context alone, files read in
	rest *rest.Config
	id   cluster.Identity
}

func (p *Provider) load() (connection, error) {
	all, where, err := p.read()
	if err != nil {
		return connection{}, err
	}
	name, err := p.pick(all, where)
	if err != nil {
		return connection{}, err
	}
	all.CurrentContext = name
	if err := p.allowed(all, where); err != nil {
		return connection{}, err
	}
	return connectionOf(*all, where)
}

func connectionOf(own api.Config, where string) (connection, error) {
	if err := api.MinifyConfig(&own); err != nil {
		return connection{}, fmt.Errorf("%s: context %s: %w", where, own.CurrentContext, err)
	}
	if err := api.FlattenConfig(&own); err != nil {
		return connection{}, fmt.Errorf("%s: context %s: %w", where, own.CurrentContext, err)
	}
	config, err := restConfig(clientcmd.NewDefaultClientConfig(own, nil))
	return connection{own: own, rest: config}, err
}

// read loads the file that the environment names, or what kubectl would load.
func (p *Provider) read() (all *api.Config, where string, err error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	if where = p.spec.Path; where != "" {
		if _, err := os.Stat(where); err != nil {
			return nil, "", fmt.Errorf("reading the kubeconfig: %w: set provider.kubeconfig.path", err)
		}
		rules.ExplicitPath = where
	} else {
		where = strings.Join(rules.GetLoadingPrecedence(), ", ")
	}
	if all, err = rules.Load(); err != nil {
		return nil, "", fmt.Errorf("reading the kubeconfig %s: %w", where, err)
	}
	return all, where, nil
}

func (p *Provider) pick(all *api.Config, where string) (string, error) {
	name := p.spec.Context
	if name == "" {
		name = all.CurrentContext
	}
	if _, ok := all.Contexts[name]; ok {
		return name, nil
	}
	known := strings.Join(slices.Sorted(maps.Keys(all.Contexts)), ", ")
	if known == "" {
		known = "none"
	}
	if name == "" {
		return "", fmt.Errorf("%s has no current context: set provider.kubeconfig.context to one of those there are: %s", where, known)
	}
	return "", fmt.Errorf("%s has no context %q: set provider.kubeconfig.context to one of those there are: %s", where, name, known)
}

// allowed refuses a context that would run a command nobody allowed: who can edit a
// kubeconfig could otherwise run anything here.
func (p *Provider) allowed(all *api.Config, where string) error {
	user := all.AuthInfos[all.Contexts[all.CurrentContext].AuthInfo]
	if user == nil {
		return nil
	}
	if user.AuthProvider != nil {
		return fmt.Errorf("%s: context %s uses the auth provider %s, which Kubernetes has removed: use a credential plugin", where, all.CurrentContext, user.AuthProvider.Name)
	}
	if user.Exec == nil || slices.Contains(p.spec.AllowExec, user.Exec.Command) {
		return nil
	}
	return fmt.Errorf("%s: context %s runs the command %q for its credentials, which is not allowed: if you trust it, add it to provider.kubeconfig.allowExec", where, all.CurrentContext, user.Exec.Command)
}
