//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/reach"
)

// providersVariable names a filesystem mirror of Terraform providers that has
// gavinbunney/kubectl 1.19.0. Empty: the registry is asked.
const providersVariable = "STAGEGATE_TEST_TERRAFORM_PROVIDERS"

// landscape is two clusters with the platform on them, and a Terraform configuration.
type landscape struct{ *program }

// TestTerraform takes a Terraform configuration that adds a policy through two kind
// clusters. The scenarios follow on each other.
func TestTerraform(t *testing.T) {
	l := newLandscape(t)
	t.Run("a policy that cuts the ingress controller off is blocked", l.cutOff)
	t.Run("the corrected one is promoted", l.corrected)
	t.Run("a state that moved is refused", l.moved)
	t.Run("killed during the apply", l.killed)
}

func newLandscape(t *testing.T) *landscape {
	t.Helper()
	l := &landscape{newProgram(t, "e2e-tf-staging", "e2e-tf-production")}
	if mirror := os.Getenv(providersVariable); mirror != "" {
		l.write(t, "terraformrc", "provider_installation {\n  filesystem_mirror {\n    path = \""+mirror+"\"\n  }\n}\n")
		t.Setenv("TF_CLI_CONFIG_FILE", l.path("terraformrc"))
	}
	t.Cleanup(func() {
		for _, name := range []string{"e2e-tf-staging", "e2e-tf-production"} {
			l.run(t, 0, "env", "down", "--cluster-name", name, "--yes")
		}
	})
	for _, name := range []string{"e2e-tf-staging", "e2e-tf-production"} {
		l.run(t, 0, "env", "up", "--cluster-name", name)
	}
	// A policy needs an engine that enforces it.
	l.run(t, 0, "promote", "changes/calico-allowed.yaml")
	if t.Failed() {
		t.FailNow()
	}
	l.write(t, "infra/main.tf", configuration)
	l.write(t, "infra/policy.tf", denied)
	return l
}

const configuration = `terraform {
  required_providers {
    kubectl = {
      source  = "gavinbunney/kubectl"
      version = "1.19.0"
    }
  }
}
variable "cluster_name" {}
resource "kubectl_manifest" "marker" {
  yaml_body = yamlencode({
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = "infra", namespace = "default" }
    data       = { cluster = var.cluster_name }
  })
}
resource "kubectl_manifest" "policy" {
  depends_on = [kubectl_manifest.marker]
  yaml_body = yamlencode({
    apiVersion = "crd.projectcalico.org/v1"
    kind       = "GlobalNetworkPolicy"
    metadata   = { name = "infra" }
    spec = {
      order             = 50
      namespaceSelector = "kubernetes.io/metadata.name == \"storefront\""
      types             = ["Ingress"]
      ingress           = [local.rule]
    }
  })
}
`

// The policy comes before those that calico-allowed.yaml has, which are of order 100.
const denied = `locals {
  rule = { action = "Deny", source = { namespaceSelector = "kubernetes.io/metadata.name == \"ingress\"" } }
}
`

const allowed = `locals {
  rule = { action = "Allow" }
}
`

// has wants the policy to be in a cluster, or not to be.
func (l *landscape) has(t *testing.T, name string, want bool) {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", l.kubeconfig(t, name))
	if err != nil {
		t.Fatal(err)
	}
	policies := schema.GroupVersionResource{Group: "crd.projectcalico.org", Version: "v1", Resource: "globalnetworkpolicies"}
	_, err = dynamic.NewForConfigOrDie(config).Resource(policies).Get(t.Context(), "infra", metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	if got := err == nil; got != want {
		t.Errorf("%s has the policy of the change: %v, want %v", name, got, want)
	}
}

func (l *landscape) kubeconfig(t *testing.T, name string) string {
	t.Helper()
	_, file, _ := strings.Cut(l.run(t, 0, "env", "up", "--cluster-name", name), "export KUBECONFIG=")
	return strings.TrimSpace(file)
}

// state is the state of the configuration in an environment.
func (l *landscape) state(t *testing.T, environment string) (file, content string) {
	t.Helper()
	files, err := filepath.Glob(l.path("state/terraform/" + environment + "/infra-*/state/terraform.tfstate"))
	if err != nil || len(files) > 1 {
		t.Fatal(files, err)
	}
	if len(files) == 0 {
		return "", ""
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return files[0], string(text)
}

func (l *landscape) cutOff(t *testing.T) {
	r := l.result(t, 3, "promote", "infra")
	e := environment(t, r, "staging")
	restored(t, e)
	lost(t, e, shopFront, "time-out")
	if len(r.Environments) > 1 {
		t.Errorf("the run went on: %+v", r.Environments[1])
	}
	if _, content := l.state(t, "staging"); strings.Contains(content, "kubectl_manifest") {
		t.Errorf("the state still has resources:\n%s", content)
	}
	l.has(t, "e2e-tf-staging", false)
	l.has(t, "e2e-tf-production", false)
}

func (l *landscape) corrected(t *testing.T) {
	l.write(t, "infra/policy.tf", allowed)
	r := l.result(t, 0, "promote", "infra")
	for _, name := range []string{"staging", "production"} {
		e := environment(t, r, name)
		if e.Decision.Verdict != gate.Pass || e.Grade != reach.Live {
			t.Errorf("%s: %s, %s", name, e.Decision.Verdict, e.Grade)
		}
		l.has(t, "e2e-tf-"+name, true)
	}
}

// moved has someone else write the state after the plan.
func (l *landscape) moved(t *testing.T) {
	l.write(t, "infra/more.tf", more)
	file, content := l.state(t, "staging")
	done := false
	out, _ := l.runWatched(t, 3, func(line string, _ *os.Process) {
		if strings.Contains(line, "✓ staging: plan") && !done {
			done = true
			serial := strings.Replace(content, "\"serial\": ", "\"serial\": 9", 1)
			if err := os.WriteFile(file, []byte(serial), 0o600); err != nil {
				t.Error(err)
			}
		}
	}, "stage", "infra")
	if !strings.Contains(out, "the plan is stale and was not applied: the state was serial") || !strings.Contains(out, "nothing was changed here") {
		t.Errorf("the plan was not refused as stale:\n%s", out)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

const more = `resource "kubectl_manifest" "before" {
  yaml_body = yamlencode({ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "before", namespace = "default" } })
}
resource "terraform_data" "slow" {
  depends_on = [kubectl_manifest.before]
  provisioner "local-exec" {
    command = "sleep 5"
  }
}
resource "kubectl_manifest" "after" {
  depends_on = [terraform_data.slow]
  yaml_body  = yamlencode({ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "after", namespace = "default" } })
}
`

// killed has the process die amid an apply; what Terraform made is found and taken back.
func (l *landscape) killed(t *testing.T) {
	l.write(t, "infra/more.tf", more)
	c := l.command(t.Context(), "stage", "infra")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	log := l.path("state/terraform/staging/infra-*/apply.jsonl")
	for limit := time.Now().Add(clusterWait); !inFile(log, "provision_start"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("the apply never came to its middle")
		}
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	runs, err := os.ReadDir(l.path("state/runs"))
	if err != nil || len(runs) == 0 {
		t.Fatal(runs, err)
	}
	out := l.run(t, 0, "rollback", runs[len(runs)-1].Name(), "--cluster-name", "e2e-tf-staging")
	if !strings.Contains(out, "nothing is left behind") {
		t.Errorf("the rollback left something:\n%s", out)
	}
	if _, content := l.state(t, "staging"); strings.Contains(content, "\"before\"") || !strings.Contains(content, "\"policy\"") {
		t.Errorf("the state is not that of the run before:\n%s", content)
	}
	if err := os.Remove(l.path("infra/more.tf")); err != nil {
		t.Fatal(err)
	}
	e := environment(t, l.result(t, 0, "stage", "infra"), "staging")
	for _, i := range e.Plan.Items {
		if i.Action != "unchanged" {
			t.Errorf("after the rollback there is something to do: %+v", i)
		}
	}
	l.has(t, "e2e-tf-staging", true)
}

func inFile(pattern, text string) bool {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) != 1 {
		return false
	}
	content, err := os.ReadFile(files[0])
	return err == nil && strings.Contains(string(content), text)
}
