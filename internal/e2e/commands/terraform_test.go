//go:build e2e

package commands_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/stagegate/stagegate/internal/e2e/e2etest"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/reach"
)

// providersVariable names a filesystem mirror of Terraform providers that has
// gavinbunney/kubectl 1.19.0. Empty: the registry is asked.
const providersVariable = "STAGEGATE_TEST_TERRAFORM_PROVIDERS"

// terraform takes a Terraform configuration that adds a policy through the clusters, which
// have Calico by now. The scenarios follow on each other.
func (s *site) terraform(t *testing.T) {
	if mirror := os.Getenv(providersVariable); mirror != "" {
		s.Write(t, "terraformrc", "provider_installation {\n  filesystem_mirror {\n    path = \""+mirror+"\"\n  }\n}\n")
		t.Setenv("TF_CLI_CONFIG_FILE", s.Path("terraformrc"))
	}
	s.Write(t, "infra/main.tf", configuration)
	s.Write(t, "infra/policy.tf", denied)
	t.Run("a policy that cuts the ingress controller off is blocked", s.terraformCutOff)
	t.Run("the corrected one is promoted", s.terraformCorrected)
	t.Run("a state that moved is refused", s.terraformMoved)
	t.Run("killed during the apply", s.terraformKilled)
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

// has wants the policy to be in an environment's cluster, or not to be.
func (s *site) has(t *testing.T, environment string, want bool) {
	t.Helper()
	policies := schema.GroupVersionResource{Group: "crd.projectcalico.org", Version: "v1", Resource: "globalnetworkpolicies"}
	_, err := s.clients[environment].Dynamic.Resource(policies).Get(t.Context(), "infra", metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	if got := err == nil; got != want {
		t.Errorf("%s has the policy of the change: %v, want %v", environment, got, want)
	}
}

// state is the state of the configuration in an environment.
func (s *site) state(t *testing.T, environment string) (file, content string) {
	t.Helper()
	files, err := filepath.Glob(s.Path("state/terraform/" + environment + "/infra-*/state/terraform.tfstate"))
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

func (s *site) terraformCutOff(t *testing.T) {
	r := s.Result(t, 3, "promote", "infra")
	e := e2etest.Environment(t, r, "staging")
	e2etest.Restored(t, e)
	e2etest.Lost(t, e, e2etest.ShopFront, "time-out")
	if len(r.Environments) > 1 {
		t.Errorf("the run went on: %+v", r.Environments[1])
	}
	if _, content := s.state(t, "staging"); strings.Contains(content, "kubectl_manifest") {
		t.Errorf("the state still has resources:\n%s", content)
	}
	s.has(t, "staging", false)
	s.has(t, "production", false)
}

func (s *site) terraformCorrected(t *testing.T) {
	s.Write(t, "infra/policy.tf", allowed)
	r := s.Result(t, 0, "promote", "infra")
	for _, name := range []string{"staging", "production"} {
		e := e2etest.Environment(t, r, name)
		if e.Decision.Verdict != gate.Pass || e.Grade != reach.Live {
			t.Errorf("%s: %s, %s", name, e.Decision.Verdict, e.Grade)
		}
		s.has(t, name, true)
	}
}

// moved has someone else write the state after the plan.
func (s *site) terraformMoved(t *testing.T) {
	s.Write(t, "infra/more.tf", more)
	file, content := s.state(t, "staging")
	done := false
	out, _ := s.RunWatched(t, 3, func(line string, _ *os.Process) {
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
func (s *site) terraformKilled(t *testing.T) {
	s.Write(t, "infra/more.tf", more)
	c := s.Command(t.Context(), "stage", "infra")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	log := s.Path("state/terraform/staging/infra-*/apply.jsonl")
	for limit := time.Now().Add(time.Minute); !inFile(log, "provision_start"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("the apply never came to its middle")
		}
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	runs, err := os.ReadDir(s.Path("state/runs"))
	if err != nil || len(runs) == 0 {
		t.Fatal(runs, err)
	}
	out := s.Run(t, 0, "rollback", runs[len(runs)-1].Name(), "--cluster-name", "e2e-staging")
	if !strings.Contains(out, "nothing is left behind") {
		t.Errorf("the rollback left something:\n%s", out)
	}
	if _, content := s.state(t, "staging"); strings.Contains(content, "\"before\"") || !strings.Contains(content, "\"policy\"") {
		t.Errorf("the state is not that of the run before:\n%s", content)
	}
	if err := os.Remove(s.Path("infra/more.tf")); err != nil {
		t.Fatal(err)
	}
	e := e2etest.Environment(t, s.Result(t, 0, "stage", "infra"), "staging")
	for _, i := range e.Plan.Items {
		if i.Action != "unchanged" {
			t.Errorf("after the rollback there is something to do: %+v", i)
		}
	}
	s.has(t, "staging", true)
}

func inFile(pattern, text string) bool {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) != 1 {
		return false
	}
	content, err := os.ReadFile(files[0])
	return err == nil && strings.Contains(string(content), text)
}
