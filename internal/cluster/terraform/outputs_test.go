package terraform

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-exec/tfexec"

	"github.com/stagegate/stagegate/internal/config"
)

func kubeconfig(user, cluster string) string {
	return "{apiVersion: v1, kind: Config, contexts: [{name: c, context: {cluster: c, user: u}}], " +
		"clusters: [{name: c, cluster: " + cluster + "}], users: [{name: u, user: " + user + "}]}"
}

func TestOutputsThatLeadNowhere(t *testing.T) {
	const server = "{server: 'https://192.0.2.1'}"
	exec := "{exec: {apiVersion: client.authentication.k8s.io/v1, command: get-token, interactiveMode: Never}}"
	tests := map[string]struct {
		spec   config.TerraformProvider
		output any
		want   string
	}{
		"empty":              {config.TerraformProvider{}, "", `the output "kubeconfig" is empty or no text`},
		"a number":           {config.TerraformProvider{}, 3, `the output "kubeconfig" is empty or no text`},
		"no kubeconfig":      {config.TerraformProvider{}, "s3cret", `the output "kubeconfig" is no kubeconfig: put out the content of the file`},
		"no context":         {config.TerraformProvider{}, "{apiVersion: v1, kind: Config}", "has 0 contexts and none is current"},
		"a command":          {config.TerraformProvider{}, kubeconfig(exec, server), `runs the command "get-token" for its credentials, which is not allowed: if you trust it, add it to spec.provider.terraform.allowExec`},
		"another command":    {config.TerraformProvider{AllowExec: []string{"aws"}}, kubeconfig(exec, server), "not allowed"},
		"a token file":       {config.TerraformProvider{}, kubeconfig("{tokenFile: /etc/passwd}", server), "names a file with credentials"},
		"a certificate file": {config.TerraformProvider{}, kubeconfig("{}", "{server: 'https://192.0.2.1', certificate-authority: /ca}"), "names the file /ca"},
		"an auth provider":   {config.TerraformProvider{}, kubeconfig("{auth-provider: {name: gcp}}", server), "uses the auth provider gcp"},
		"a secret in a command": {
			config.TerraformProvider{EndpointOutput: "endpoint", Exec: []string{"x", "${secret}"}},
			"",
			"spec.provider.terraform.exec: ${secret} is neither cluster_name nor an output that is not sensitive",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.spec.EndpointOutput == "" {
				tt.spec.KubeconfigOutput = "kubeconfig"
			}
			value, err := json.Marshal(tt.output)
			if err != nil {
				t.Fatal(err)
			}
			p := &Provider{spec: tt.spec, options: Options{Environment: &config.Environment{ClusterName: "staging"}}}
			_, err = p.kubeconfig(textsOf(map[string]tfexec.OutputMeta{
				"kubeconfig": {Value: value, Sensitive: true}, "endpoint": {Value: []byte(`"192.0.2.1"`)},
				"secret": {Value: []byte(`"s3cret"`), Sensitive: true},
			}))
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("got %v; want it to say %q", err, tt.want)
			}
		})
	}
}

func TestAllowedCommandRuns(t *testing.T) {
	p := &Provider{spec: config.TerraformProvider{KubeconfigOutput: "k", AllowExec: []string{"aws"}}}
	text := kubeconfig("{exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, interactiveMode: Never}}", "{server: 'https://192.0.2.1'}")
	if _, err := p.given("k", text); err != nil {
		t.Error(err)
	}
}
