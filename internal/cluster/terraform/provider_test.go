package terraform_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/filetest"
	"github.com/stagegate/stagegate/internal/terraform/terraformtest"
)

// apiServer answers the two requests that identify a cluster, to who has the token.
func apiServer(t *testing.T, uid, token string) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	answer := func(path string, body any) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer "+token {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			if err := json.NewEncoder(w).Encode(body); err != nil {
				t.Error(err)
			}
		})
	}
	answer("/version", map[string]string{"gitVersion": "v1.37.2"})
	answer("/api/v1/namespaces/kube-system", map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]string{"name": "kube-system", "uid": uid},
	})
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	return server
}

func certificateOf(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

func kubeconfigOf(s *httptest.Server, user string) string {
	return fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: c,
  clusters: [{name: c, cluster: {server: %q, certificate-authority-data: %s}}],
  users: [{name: u, user: %s}], contexts: [{name: c, context: {cluster: c, user: u}}]}`,
		s.URL, base64.StdEncoding.EncodeToString(certificateOf(s)), user)
}

const module = `
variable "cluster_name" { type = string }
variable "values" {
  type      = map(string)
  sensitive = true
}
resource "terraform_data" "cluster" {
  input = var.cluster_name
}
output "kubeconfig" {
  value     = lookup(var.values, "kubeconfig", "")
  sensitive = true
}
output "endpoint" { value = nonsensitive(lookup(var.values, "endpoint", "")) }
output "ca" { value = nonsensitive(lookup(var.values, "ca", "")) }
output "region" { value = "eu" }
output "count" { value = 3 }
output "token" {
  value     = lookup(var.values, "token", "")
  sensitive = true
}
`

// written is an environment whose module has these values.
func written(t *testing.T, text string, spec config.TerraformProvider, values map[string]any) *config.Environment {
	t.Helper()
	dir := filetest.Into(t, t.TempDir(), map[string]string{"main.tf": text})
	env := environment(t, "staging", dir, map[string]any{"values": values})
	spec.Directory = dir
	if spec.KubeconfigOutput == "" && spec.EndpointOutput == "" {
		spec.KubeconfigOutput = "kubeconfig"
	}
	env.Provider.Terraform = &spec
	return env
}

func TestWaysToTheCluster(t *testing.T) {
	terraformtest.Need(t)
	api := apiServer(t, "uid-1", "s3cret-token")
	plugin := filepath.Join(t.TempDir(), "get-token")
	script := "#!/bin/sh\n[ \"$1 $2\" = \"staging eu\" ] || exit 1\necho '{\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"s3cret-token\"}}'\n"
	if err := os.WriteFile(plugin, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	kubeconfig := kubeconfigOf(api, "{token: s3cret-token}")
	encoded := base64.StdEncoding.EncodeToString(certificateOf(api))
	tests := map[string]struct {
		spec   config.TerraformProvider
		values map[string]any
	}{
		"kubeconfig": {config.TerraformProvider{}, map[string]any{"kubeconfig": kubeconfig}},
		"token":      {config.TerraformProvider{EndpointOutput: "endpoint", CAOutput: "ca", TokenOutput: "token"}, map[string]any{"endpoint": api.URL, "ca": encoded, "token": "s3cret-token"}},
		"PEM, no scheme": {
			config.TerraformProvider{EndpointOutput: "endpoint", CAOutput: "ca", TokenOutput: "token"},
			map[string]any{"endpoint": strings.TrimPrefix(api.URL, "https://"), "ca": string(certificateOf(api)), "token": "s3cret-token"},
		},
		"exec": {
			config.TerraformProvider{EndpointOutput: "endpoint", CAOutput: "ca", Exec: []string{plugin, "${cluster_name}", "${region}"}},
			map[string]any{"endpoint": api.URL, "ca": encoded},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			env := written(t, module, tt.spec, tt.values)
			p := provider(t, env)
			var seen strings.Builder
			c, err := p.Ensure(t.Context(), "staging", false, func(format string, args ...any) { fmt.Fprintf(&seen, format+"\n", args...) })
			if err != nil {
				t.Fatal(err)
			}
			if c.UID != "uid-1" || c.Version != "v1.37.2" || c.Provider != "terraform" || c.Disposable {
				t.Errorf("cluster = %+v", c)
			}
			if info, err := os.Stat(c.Kubeconfig); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("kubeconfig: %v, %v; want mode 0600", info, err)
			}
			if status, err := p.Status(t.Context(), "staging"); err != nil || status.State != cluster.Running || status.UID != "uid-1" {
				t.Errorf("status = %+v, %v", status, err)
			}
			for _, secret := range []string{"s3cret-token", encoded} {
				if strings.Contains(seen.String(), secret) {
					t.Errorf("a secret was shown:\n%s", seen.String())
				}
			}
		})
	}
}

// TestMissingOutputsMakeNothing: a cluster that could not be reached is not made at all.
func TestMissingOutputsMakeNothing(t *testing.T) {
	commands := terraformtest.Counted(t)
	env := written(t, module, config.TerraformProvider{KubeconfigOutput: "kubecfg"}, map[string]any{})
	p := provider(t, env)
	_, err := p.Ensure(t.Context(), "staging", false, t.Logf)
	want := `has no output "kubecfg": add it, or name in spec.provider.terraform one of those there are: ca, count, endpoint, kubeconfig, region, token`
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v; want it to say %q", err, want)
	}
	if ran := commands(); slices.Contains(ran, "apply") {
		t.Errorf("terraform %v", ran)
	}
	if status, err := p.Status(t.Context(), "staging"); err != nil || status.State != cluster.Absent {
		t.Errorf("status = %+v, %v", status, err)
	}
}

// TestWhatIsThereIsNotApplied: a configuration that has changed since is no reason to
// touch the cluster.
func TestWhatIsThereIsNotApplied(t *testing.T) {
	commands := terraformtest.Counted(t)
	api := apiServer(t, "uid-1", "t")
	env := written(t, module, config.TerraformProvider{}, map[string]any{"kubeconfig": kubeconfigOf(api, "{token: t}")})
	p := provider(t, env)
	if _, err := p.Ensure(t.Context(), "staging", false, t.Logf); err != nil {
		t.Fatal(err)
	}
	before := len(commands())
	filetest.Into(t, env.Provider.Terraform.Directory, map[string]string{"more.tf": `resource "terraform_data" "more" {}`})
	if _, err := p.Ensure(t.Context(), "staging", false, t.Logf); err != nil {
		t.Fatal(err)
	}
	for _, command := range commands()[before:] {
		if command == "plan" || command == "apply" {
			t.Errorf("terraform %s was run on a cluster that is there", command)
		}
	}
}

func TestAnotherClusterIsRefused(t *testing.T) {
	terraformtest.Need(t)
	dir := t.TempDir()
	api := apiServer(t, "uid-1", "t")
	env := written(t, module, config.TerraformProvider{}, map[string]any{"kubeconfig": kubeconfigOf(api, "{token: t}")})
	if _, err := providerAt(env, dir).Ensure(t.Context(), "staging", false, t.Logf); err != nil {
		t.Fatal(err)
	}
	record := filepath.Join(dir, "clusters", "staging", "record.json")
	content, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(record, []byte(strings.ReplaceAll(string(content), "uid-1", "uid-0")), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = providerAt(env, dir).Ensure(t.Context(), "staging", false, t.Logf)
	if err == nil || !strings.Contains(err.Error(), "(UID uid-1) is another than the one this environment has used (UID uid-0)") {
		t.Errorf("got %v", err)
	}
}

func TestProduction(t *testing.T) {
	terraformtest.Need(t)
	api := apiServer(t, "uid-1", "t")
	env := written(t, module, config.TerraformProvider{}, map[string]any{"kubeconfig": kubeconfigOf(api, "{token: t}")})
	env.Gate.After = []string{"test"}
	p := provider(t, env)
	if _, ok := p.(cluster.Destroyer); ok {
		t.Error("a production cluster could be destroyed")
	}
	_, err := p.Ensure(t.Context(), "staging", false, t.Logf)
	if err == nil || !strings.Contains(err.Error(), "run stagegate env up --cluster-name staging") {
		t.Errorf("got %v; want it to ask for env up", err)
	}
	if _, err := p.Ensure(t.Context(), "staging", true, t.Logf); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Ensure(t.Context(), "staging", false, t.Logf); err != nil {
		t.Errorf("a production cluster that is there: %v", err)
	}
}

func destroy(t *testing.T, p cluster.Provider) error {
	t.Helper()
	return p.(cluster.Destroyer).Destroy(t.Context(), "staging", t.Logf)
}

// TestDestroysOnlyWhatItMade refuses states that others have had a hand in.
func TestDestroysOnlyWhatItMade(t *testing.T) {
	terraformtest.Need(t)
	api := apiServer(t, "uid-1", "t")
	values := map[string]any{"kubeconfig": kubeconfigOf(api, "{token: t}")}
	env, dir := written(t, module, config.TerraformProvider{}, values), t.TempDir()
	p := providerAt(env, dir)
	if err := destroy(t, p); err != nil {
		t.Errorf("destroying what is absent: %v", err)
	}
	if _, err := p.Ensure(t.Context(), "staging", false, t.Logf); err != nil {
		t.Fatal(err)
	}
	record := filepath.Join(dir, "clusters", "staging", "record.json")
	noted, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ old, now, want string }{
		"not on record":   {"", "", "the cluster was not made by stagegate"},
		"another lineage": {`"lineage":"`, `"lineage":"x`, "is another than the one in which stagegate made it"},
		"more than made":  {`"terraform_data.cluster"`, `"terraform_data.other"`, "the state has more than stagegate made (terraform_data.cluster)"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(string(noted), tt.old, tt.now, 1)
			if tt.old == "" {
				changed = `{"uid": "uid-1"}`
			}
			if err := os.WriteFile(record, []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := destroy(t, p); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v; want it to say %q", err, tt.want)
			}
		})
	}
	if err := os.WriteFile(record, noted, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := destroy(t, p); err != nil {
		t.Fatal(err)
	}
	if status, err := p.Status(t.Context(), "staging"); err != nil || status.State != cluster.Absent {
		t.Errorf("status = %+v, %v", status, err)
	}
	if left := terraformtest.Dump(t, filepath.Join(dir, "clusters")); strings.Contains(fmt.Sprint(left), "token") {
		t.Errorf("credentials are left: %v", left)
	}
}

// TestHalfMade goes on where the making of a cluster failed, and can destroy what there is.
func TestHalfMade(t *testing.T) {
	terraformtest.Need(t)
	api := apiServer(t, "uid-1", "t")
	gate := filepath.Join(t.TempDir(), "open")
	text := module + `
resource "terraform_data" "second" {
  depends_on = [terraform_data.cluster]
  provisioner "local-exec" {
    command = "test -e ` + gate + `"
  }
}
`
	values := map[string]any{"kubeconfig": kubeconfigOf(api, "{token: t}")}
	for _, goOn := range []bool{true, false} {
		t.Run(fmt.Sprintf("going on %v", goOn), func(t *testing.T) {
			p := provider(t, written(t, text, config.TerraformProvider{}, values))
			if _, err := p.Ensure(t.Context(), "staging", false, t.Logf); err == nil {
				t.Fatal("the provisioner did not fail")
			}
			if status, err := p.Status(t.Context(), "staging"); err != nil || status.State != cluster.Broken || !strings.Contains(status.Detail, "half-made") {
				t.Errorf("status = %+v, %v", status, err)
			}
			if goOn {
				if err := os.WriteFile(gate, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				if _, err := p.Ensure(t.Context(), "staging", false, t.Logf); err != nil {
					t.Fatal(err)
				}
				os.Remove(gate)
			}
			if err := destroy(t, p); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestStateThatCannotBeSaved keeps the record of a cluster whose state a person has to put
// where it belongs: after that it is found, and can be destroyed.
func TestStateThatCannotBeSaved(t *testing.T) {
	terraformtest.Need(t)
	var mu sync.Mutex
	var state []byte
	broken := true
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch body, err := io.ReadAll(r.Body); {
		case err != nil, r.Method == http.MethodPost && broken:
			w.WriteHeader(http.StatusBadRequest)
		case r.Method == http.MethodPost:
			state = body
		case state == nil:
			w.WriteHeader(http.StatusNoContent)
		default:
			w.Write(state)
		}
	}))
	defer backend.Close()
	api := apiServer(t, "uid-1", "t")
	spec := config.TerraformProvider{BackendConfig: map[string]string{"address": backend.URL, "retry_max": "0"}}
	env := written(t, module+"terraform {\n  backend \"http\" {}\n}\n", spec, map[string]any{"kubeconfig": kubeconfigOf(api, "{token: t}")})
	dir := t.TempDir()
	p := providerAt(env, dir)
	if _, err := p.Ensure(t.Context(), "staging", false, t.Logf); err == nil || !strings.Contains(err.Error(), "Terraform could not save its state") {
		t.Fatalf("got %v", err)
	}
	if status, err := p.Status(t.Context(), "staging"); err != nil || status.State != cluster.Broken {
		t.Errorf("status = %+v, %v; want broken", status, err)
	}
	kept, err := filepath.Glob(filepath.Join(dir, "terraform", "staging", "cluster", "errored", "*"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("states kept: %v, %v; want one", kept, err)
	}
	content, err := os.ReadFile(kept[0])
	if err = errors.Join(err, os.Remove(kept[0])); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	state, broken = content, false
	mu.Unlock()
	if _, err := p.Ensure(t.Context(), "staging", false, t.Logf); err != nil {
		t.Fatal(err)
	}
	if err := destroy(t, p); err != nil {
		t.Error(err)
	}
}
