package kubeconfig_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/cluster/kubeconfig"
	"github.com/stagegate/stagegate/internal/config"
)

// apiServer answers the two requests that identify a cluster, as kube-apiserver does.
func apiServer(t *testing.T, uid string) string {
	t.Helper()
	mux := http.NewServeMux()
	answer := func(path string, body any) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if err := json.NewEncoder(w).Encode(body); err != nil {
				t.Error(err)
			}
		})
	}
	answer("/version", map[string]string{"gitVersion": "v1.37.2"})
	answer("/api/v1/namespaces/kube-system", map[string]any{
		"apiVersion": "v1", "kind": "Namespace",
		"metadata": map[string]string{"name": "kube-system", "uid": uid},
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func write(t *testing.T, server, user string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	content := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters:
- {name: one, cluster: {server: %q}}
users:
- name: me
  user: %s
- {name: other, user: {token: of-another-context}}
contexts:
- {name: staging, context: {cluster: one, user: me}}
- {name: qa, context: {cluster: one, user: other}}
`, server, user)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEnsure(t *testing.T) {
	path := write(t, apiServer(t, "uid-1"), "{token: mine}")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p := kubeconfig.New(config.KubeconfigProvider{Path: path, Context: "staging"}, "staging", t.TempDir())
	c, err := p.Ensure(t.Context(), "s1", false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.UID != "uid-1" || c.Version != "v1.37.2" || c.Name != "s1" || c.Disposable {
		t.Errorf("got %+v", c)
	}
	own, err := clientcmd.LoadFromFile(c.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if len(own.Contexts) != 1 || len(own.AuthInfos) != 1 || own.AuthInfos["me"].Token != "mine" {
		t.Errorf("the kubeconfig of the cluster has more or less than its one context: %+v", own)
	}
	if info, err := os.Stat(c.Kubeconfig); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("kubeconfig: %v, %v; want mode 0600", info.Mode(), err)
	}
	for range 2 {
		if err := c.Release(t.Context()); err != nil {
			t.Errorf("release: %v", err)
		}
	}
	if _, err := os.Stat(c.Kubeconfig); !os.IsNotExist(err) {
		t.Errorf("the file with credentials is still there after the release: %v", err)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("the user's kubeconfig was changed")
	}
}

func TestAnotherClusterIsRefused(t *testing.T) {
	dir := t.TempDir()
	first := config.KubeconfigProvider{Path: write(t, apiServer(t, "uid-1"), "{}"), Context: "staging"}
	second := config.KubeconfigProvider{Path: write(t, apiServer(t, "uid-2"), "{}"), Context: "staging"}

	status, err := kubeconfig.New(second, "production", dir).Status(t.Context(), "p")
	if err != nil || status.State != cluster.Running {
		t.Fatalf("status before first use: %+v, %v", status, err)
	}
	if _, err := kubeconfig.New(first, "production", dir).Ensure(t.Context(), "p", false, nil); err != nil {
		t.Fatal(err)
	}
	_, err = kubeconfig.New(second, "production", dir).Ensure(t.Context(), "p", false, nil)
	for _, want := range []string{"uid-1", "uid-2", "remove " + dir} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v; want it to say %q", err, want)
		}
	}
	status, err = kubeconfig.New(second, "production", dir).Status(t.Context(), "p")
	if err != nil || status.State != cluster.Broken {
		t.Errorf("status: %+v, %v; want broken", status, err)
	}
	if _, err := kubeconfig.New(second, "staging", dir).Ensure(t.Context(), "s", false, nil); err != nil {
		t.Errorf("another environment is held against the first one's cluster: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	server := apiServer(t, "uid-1")
	plugin := "{exec: {apiVersion: client.authentication.k8s.io/v1, command: get-token, interactiveMode: Never}}"
	tests := []struct {
		name string
		spec config.KubeconfigProvider
		want string
	}{
		{"no file", config.KubeconfigProvider{Path: "nowhere/config"}, "set provider.kubeconfig.path"},
		{"no such context", config.KubeconfigProvider{Path: write(t, server, "{}"), Context: "prod"}, `no context "prod": set provider.kubeconfig.context to one of those there are: qa, staging`},
		{"no current context", config.KubeconfigProvider{Path: write(t, server, "{}")}, "has no current context"},
		{"plugin", config.KubeconfigProvider{Path: write(t, server, plugin), Context: "staging"}, `runs the command "get-token" for its credentials, which is not allowed`},
		{"another plugin", config.KubeconfigProvider{Path: write(t, server, plugin), Context: "staging", AllowExec: []string{"aws"}}, "not allowed"},
		{"nothing answers", config.KubeconfigProvider{Path: write(t, "http://127.0.0.1:1", "{}"), Context: "staging"}, "does not answer"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := kubeconfig.New(test.spec, "staging", t.TempDir()).Ensure(t.Context(), "s", false, nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v; want it to say %q", err, test.want)
			}
		})
	}
}

func TestAllowedPluginRuns(t *testing.T) {
	token := filepath.Join(t.TempDir(), "get-token")
	script := "#!/bin/sh\necho '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"t\"}}'\n"
	if err := os.WriteFile(token, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	user := fmt.Sprintf("{exec: {apiVersion: client.authentication.k8s.io/v1, command: %q, interactiveMode: Never}}", token)
	spec := config.KubeconfigProvider{Path: write(t, apiServer(t, "uid-1"), user), Context: "staging", AllowExec: []string{token}}
	if _, err := kubeconfig.New(spec, "staging", t.TempDir()).Ensure(t.Context(), "s", false, nil); err != nil {
		t.Error(err)
	}
}

func TestNotADestroyer(t *testing.T) {
	var p cluster.Provider = kubeconfig.New(config.KubeconfigProvider{}, "production", t.TempDir())
	if _, ok := p.(cluster.Destroyer); ok {
		t.Error("a cluster that stagegate did not make could be destroyed")
	}
}
