package terraform

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-exec/tfexec"
	api "k8s.io/client-go/tools/clientcmd/api"
)

// outputs are those of the root module, as texts; one that is no text is not among them.
type outputs map[string]output

type output struct {
	text      string
	sensitive bool
}

func textsOf(all map[string]tfexec.OutputMeta) outputs {
	out := outputs{}
	for name, o := range all {
		var text string
		if json.Unmarshal(o.Value, &text) == nil {
			out[name] = output{text, o.Sensitive}
		}
	}
	return out
}

// needed are the outputs that lead to the cluster.
func (p *Provider) needed() []string {
	var names []string
	for _, name := range []string{p.spec.KubeconfigOutput, p.spec.EndpointOutput, p.spec.CAOutput, p.spec.TokenOutput} {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// missing names the outputs that are needed and not there, and those that are.
func (p *Provider) missing(there map[string]bool) error {
	var errs []error
	known := strings.Join(slices.Sorted(maps.Keys(there)), ", ")
	if known == "" {
		known = "none"
	}
	for _, name := range p.needed() {
		if !there[name] {
			errs = append(errs, fmt.Errorf("the configuration %s has no output %q: add it, or name in spec.provider.terraform one of those there are: %s",
				p.options.Environment.Path(p.spec.Directory), name, known))
		}
	}
	return errors.Join(errs...)
}

// writeKubeconfig writes a kubeconfig of what the outputs say, for the user alone.
func (s *session) writeKubeconfig(ctx context.Context) error {
	all, err := s.workspace.Outputs(ctx)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for name := range all {
		there[name] = true
	}
	if err := s.missing(there); err != nil {
		return err
	}
	config, err := s.kubeconfig(textsOf(all))
	if err != nil {
		return err
	}
	return s.write(config)
}

func (p *Provider) kubeconfig(out outputs) (*api.Config, error) {
	for _, name := range p.needed() {
		if out[name].text == "" {
			return nil, fmt.Errorf("the output %q is empty or no text: give it the text that its name promises", name)
		}
	}
	if name := p.spec.KubeconfigOutput; name != "" {
		return p.given(name, out[name].text)
	}
	cluster := &api.Cluster{Server: out[p.spec.EndpointOutput].text}
	if !strings.Contains(cluster.Server, "://") {
		cluster.Server = "https://" + cluster.Server // as GKE has it
	}
	if name := p.spec.CAOutput; name != "" {
		cluster.CertificateAuthorityData = certificate(out[name].text)
	}
	user := &api.AuthInfo{Token: out[p.spec.TokenOutput].text}
	if len(p.spec.Exec) > 0 {
		var err error
		if user.Exec, err = p.exec(out); err != nil {
			return nil, err
		}
	}
	name := p.options.Environment.ClusterName
	return &api.Config{
		Clusters: map[string]*api.Cluster{name: cluster}, AuthInfos: map[string]*api.AuthInfo{name: user},
		Contexts: map[string]*api.Context{name: {Cluster: name, AuthInfo: name}}, CurrentContext: name,
	}, nil
}

// certificate is PEM, which EKS and others put out in base64.
func certificate(text string) []byte {
	if decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text)); err == nil {
		return decoded
	}
	return []byte(text)
}

// exec is the credential command of the environment file, with ${cluster_name} and the
// outputs that are not sensitive put in.
func (p *Provider) exec(out outputs) (*api.ExecConfig, error) {
	var unknown []string
	value := func(name string) string {
		switch o, ok := out[name]; {
		case name == "cluster_name":
			return p.options.Environment.ClusterName
		case ok && !o.sensitive:
			return o.text
		}
		unknown = append(unknown, name)
		return ""
	}
	var command []string
	for _, word := range p.spec.Exec {
		command = append(command, os.Expand(word, value))
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("spec.provider.terraform.exec: ${%s} is neither cluster_name nor an output that is not sensitive: correct it", unknown[0])
	}
	return &api.ExecConfig{
		APIVersion: "client.authentication.k8s.io/v1beta1", Command: command[0], Args: command[1:],
		InteractiveMode: api.NeverExecInteractiveMode,
	}, nil
}
