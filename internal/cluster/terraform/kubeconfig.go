package terraform

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	api "k8s.io/client-go/tools/clientcmd/api"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/durable"
)

// given is a kubeconfig as an output has it: its current context, or the only one.
func (p *Provider) given(name, text string) (*api.Config, error) {
	config, err := clientcmd.Load([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("the output %q is no kubeconfig: put out the content of the file", name)
	}
	if config.CurrentContext == "" && len(config.Contexts) == 1 {
		for only := range config.Contexts {
			config.CurrentContext = only
		}
	}
	if config.Contexts[config.CurrentContext] == nil {
		return nil, fmt.Errorf("the kubeconfig in output %q has %d contexts and none is current: set current-context", name, len(config.Contexts))
	}
	if err := api.MinifyConfig(config); err != nil {
		return nil, fmt.Errorf("the kubeconfig in output %q: %w", name, err)
	}
	return config, p.allowed(name, config)
}

// allowed refuses a kubeconfig that reads files or runs a command nobody allowed: who can
// change an output could otherwise run anything here.
func (p *Provider) allowed(name string, config *api.Config) error {
	for _, c := range config.Clusters {
		if c.CertificateAuthority != "" {
			return fmt.Errorf("the kubeconfig in output %q names the file %s: put its content in (certificate-authority-data)", name, c.CertificateAuthority)
		}
	}
	for _, user := range config.AuthInfos {
		switch {
		case user.AuthProvider != nil:
			return fmt.Errorf("the kubeconfig in output %q uses the auth provider %s, which Kubernetes has removed: use a credential plugin", name, user.AuthProvider.Name)
		case user.ClientCertificate != "" || user.ClientKey != "" || user.TokenFile != "":
			return fmt.Errorf("the kubeconfig in output %q names a file with credentials: put its content in", name)
		case user.Exec != nil && !slices.Contains(p.spec.AllowExec, user.Exec.Command):
			return fmt.Errorf("the kubeconfig in output %q runs the command %q for its credentials, which is not allowed: if you trust it, add it to spec.provider.terraform.allowExec", name, user.Exec.Command)
		}
	}
	return nil
}

func (p *Provider) write(config *api.Config) error {
	content, err := clientcmd.Write(*config)
	if err == nil {
		err = durable.Write(p.kubeconfigFile(), content, 0o600)
	}
	if err != nil {
		return fmt.Errorf("writing its kubeconfig: %w", err)
	}
	return nil
}

func (p *Provider) restConfig() (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", p.kubeconfigFile())
	if err != nil {
		return nil, fmt.Errorf("reading its kubeconfig: %w", err)
	}
	return config, nil
}

// identify waits for the API to answer.
func identify(ctx context.Context, config *rest.Config, wait time.Duration) (cluster.Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		id, err := cluster.Identify(ctx, config)
		if err == nil {
			return id, nil
		}
		select {
		case <-ctx.Done():
			return id, errors.Join(err, ctx.Err())
		case <-time.After(pollInterval):
		}
	}
}
