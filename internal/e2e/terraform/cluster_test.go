//go:build e2e

package terraform_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/cluster/kind/kindtest"
	"github.com/stagegate/stagegate/internal/e2e/e2etest"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/probe/image"
	"github.com/stagegate/stagegate/internal/reach"
)

const twoShops = `apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: podinfo, image: "ghcr.io/stefanprodan/podinfo:6.9.2", ports: [{containerPort: 9898}], readinessProbe: {httpGet: {path: /readyz, port: 9898}}}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: front, namespace: shop}
spec:
  selector: {matchLabels: {app: front}}
  template:
    metadata: {labels: {app: front}}
    spec: {containers: [{name: podinfo, image: "ghcr.io/stefanprodan/podinfo:6.9.2", ports: [{containerPort: 9898}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 9898}]}
`

// TestTerraformCluster has both clusters made by the shipped Terraform module, takes
// changes through them, and destroys staging alone.
func TestTerraformCluster(t *testing.T) {
	p := terraformSite(t)
	p.Run(t, 0, "env", "up", "--cluster-name", "e2e-tf-staging")
	_, said := p.RunWatched(t, 1, ignore, "promote", "changes/label.yaml")
	if !strings.Contains(said, "stagegate env up --cluster-name e2e-tf-production") {
		t.Error("a production cluster that is absent was not asked for")
	}
	if out := clusters(t); strings.Contains(out, "tf-e2e-tf-production") {
		t.Fatalf("production was made without being asked for: %s", out)
	}
	p.Run(t, 0, "env", "up", "--cluster-name", "e2e-tf-production")
	e2etest.Engine(t, strings.NewReader(twoShops), "exec", "-i", "tf-e2e-tf-production-control-plane", "kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", "apply", "-f", "-")
	loadProbe(t, p)

	r := p.Result(t, 0, "promote", "changes/label.yaml")
	for _, name := range []string{"staging", "production"} {
		e := e2etest.Environment(t, r, name)
		if e.Decision.Verdict != gate.Pass || e.Grade != reach.Live || e.Provider != "terraform" {
			t.Errorf("%s: %s, %s, provider %s", name, e.Decision.Verdict, e.Grade, e.Provider)
		}
	}

	_, said = p.RunWatched(t, 1, ignore, "env", "down", "--cluster-name", "e2e-tf-production", "--yes")
	if !strings.Contains(said, "production") {
		t.Errorf("it does not say why production is not destroyed: %s", said)
	}
	p.Run(t, 0, "env", "down", "--cluster-name", "e2e-tf-staging", "--yes")
	if out := clusters(t); strings.Contains(out, "tf-e2e-tf-staging") || !strings.Contains(out, "tf-e2e-tf-production") {
		t.Errorf("after env down there are the clusters %s; want production's and not staging's", out)
	}
}

func ignore(string, *os.Process) {}

// terraformSite is the shipped example for clusters of the tests' own names.
func terraformSite(t *testing.T) *e2etest.Program {
	t.Helper()
	p := e2etest.New(t, "unused-staging", "unused-production")
	if err := os.RemoveAll(p.Path("environments")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(p.Path("environments"), os.DirFS("../../../environments/examples/kind")); err != nil {
		t.Fatal(err)
	}
	variables, err := json.Marshal(kindtest.Example(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"staging", "production"} {
		p.Edit(t, "environments/"+name+".yaml", "clusterName: "+name, "clusterName: e2e-tf-"+name,
			"\n  gate:", "\n  variables: "+string(variables)+"\n  gate:")
	}
	p.Edit(t, "environments/staging.yaml", "\n  gate:", "\n  base: [../base.yaml]\n  gate:")
	p.Write(t, "base.yaml", twoShops)
	p.Write(t, "changes/label.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: colour, namespace: shop}\ndata: {colour: blue}\n")
	t.Cleanup(func() {
		for _, name := range []string{"tf-e2e-tf-staging", "tf-e2e-tf-production"} {
			if out, err := exec.Command("kind", "delete", "cluster", "--name", name).CombinedOutput(); err != nil {
				t.Errorf("deleting %s: %v\n%s", name, err, out)
			}
		}
	})
	return p
}

func clusters(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("kind", "get", "clusters").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// loadProbe puts the image of the probe into the nodes, which a provider of clusters that
// are made by others cannot do.
func loadProbe(t *testing.T, p *e2etest.Program) {
	t.Helper()
	built, err := image.Build(p.Path("bin/stagegate-probe"))
	if err != nil {
		t.Fatal(err)
	}
	archive, err := built.Archive()
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	var content bytes.Buffer
	if _, err := io.Copy(&content, archive); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "probe.tar")
	if err := os.WriteFile(file, content.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tf-e2e-tf-staging", "tf-e2e-tf-production"} {
		if out, err := exec.Command("kind", "load", "image-archive", file, "--name", name).CombinedOutput(); err != nil {
			t.Fatalf("loading the probe into %s: %v\n%s", name, err, out)
		}
	}
	t.Setenv("STAGEGATE_PROBE_IMAGE", built.Reference)
}
