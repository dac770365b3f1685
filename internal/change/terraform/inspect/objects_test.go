package inspect_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/stagegate/stagegate/internal/change/terraform/inspect"
	"github.com/stagegate/stagegate/internal/change/tree"
)

// TestObjects reads the ways in which configurations write objects. Each stands in one
// module, so that one test shows what is evaluated.
func TestObjects(t *testing.T) {
	text := `
variable "cluster_name" { type = string }
variable "ports" {
  type    = list(object({ port = number, protocol = optional(string, "TCP") }))
  default = [{ port = 80 }, { port = 53, protocol = "UDP" }]
}
variable "labels" { default = { team = "shop" } }
variable "token" {
  sensitive = true
  default   = "t0ps3cret"
}
locals {
  name   = "${var.cluster_name}-policy"
  labels = merge(var.labels, { cluster = upper(var.cluster_name) })
}
resource "kubectl_manifest" "text" {
  yaml_body = <<-YAML
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: ${local.name}, namespace: shop}
    spec: {podSelector: {}, policyTypes: [Ingress]}
  YAML
}
resource "kubernetes_manifest" "object" {
  manifest = {
    apiVersion = "networking.k8s.io/v1"
    kind       = "NetworkPolicy"
    metadata   = { name = "object", namespace = "shop", labels = local.labels }
    spec = {
      podSelector = {}
      ingress     = [for p in var.ports : { ports = [p] }]
    }
  }
}
resource "kubernetes_manifest" "file" {
  for_each = toset(["a", "b"])
  manifest = yamldecode(templatefile("${path.module}/t.yaml", { name = each.key, workspace = terraform.workspace }))
}
resource "kubectl_manifest" "none" {
  count     = var.cluster_name == "prod" ? 0 : 1
  yaml_body = "broken: ["
}
resource "kubectl_manifest" "secret" {
  override_namespace = "elsewhere"
  yaml_body          = jsonencode({ apiVersion = "v1", kind = "Secret", metadata = { name = "s" }, stringData = { t = "x${var.token}" } })
}
module "tenant" {
  source   = "./tenant"
  for_each = { red = 1, blue = 2 }
  name     = each.key
  replicas = each.value
}
-- t.yaml --
apiVersion: v1
kind: Namespace
metadata: {name: ${name}-${workspace}}
-- tenant/main.tf.json --
{"variable": {"name": {"type": "string"}, "replicas": {"type": "number"}},
 "resource": {"kubectl_manifest": {"web": {
  "yaml_body": "${yamlencode({apiVersion = \"apps/v1\", kind = \"Deployment\", metadata = {name = var.name}, spec = {replicas = var.replicas}})}"}}}}
-- prod.auto.tfvars --
cluster_name = "overridden"
-- main_override.tf --
resource "kubectl_manifest" "none" {
  yaml_body = "also broken: ["
}
`
	o := options()
	o.Variables = variables("cluster_name", "prod")
	result := mustInspect(t, text, o)
	if got := append(lines(result, inspect.Refused), lines(result, inspect.Unclear)...); got != nil {
		t.Errorf("findings: %s", strings.Join(got, "\n"))
	}
	want := []string{
		"infra/main.tf:17: NetworkPolicy.networking.k8s.io shop/prod-policy",
		"infra/main.tf:25: NetworkPolicy.networking.k8s.io shop/object",
		"infra/main.tf:37: Namespace a-default",
		"infra/main.tf:37: Namespace b-default",
		"infra/main.tf:45: Secret elsewhere/s",
		"infra/tenant/main.tf.json:3: Deployment.apps blue",
		"infra/tenant/main.tf.json:3: Deployment.apps red",
	}
	if diff := cmp.Diff(want, keys(result.Objects)); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	content, err := json.Marshal(result.Objects)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(content), "t0ps3cret") {
		t.Error("the value of a sensitive variable is in the objects")
	}
	for _, want := range []string{`"port":53,"protocol":"UDP"`, `"cluster":"PROD"`, `"replicas":2`, `x(sensitive value)`} {
		if !strings.Contains(string(content), want) {
			t.Errorf("the objects have no %s: %s", want, content)
		}
	}
}

// What is not known is said, with what it follows from; it is never left out.
func TestUnclear(t *testing.T) {
	const usePlan = ": stagegate check --trust makes a plan, and stagegate stage finds out what it does"
	const nothing = "infra: holds no Kubernetes object that could be read, so nothing of it was modelled" + usePlan
	tests := map[string]struct {
		text string
		want []string
	}{
		"nothing at all": {`resource "terraform_data" "x" {}`, []string{nothing}},
		"a value of a plan": {
			"resource \"kubectl_manifest\" \"x\" {\n  yaml_body = \"kind: ${aws_eks_cluster.this.id}\"\n}",
			[]string{nothing, "infra/main.tf:2: kubectl_manifest.x has an object that follows from what only a plan knows: aws_eks_cluster.this.id" + usePlan},
		},
		"a variable without a value": {
			"variable \"v\" {}\nresource \"kubernetes_manifest\" \"x\" {\n  manifest = { kind = var.v }\n}",
			[]string{nothing, "infra/main.tf:3: kubernetes_manifest.x has an object that follows from what only a plan knows: var.v" + usePlan},
		},
		"a local value of a plan": {
			"locals {\n  a = local.b\n  b = data.x.y.z\n}\nresource \"kubectl_manifest\" \"x\" {\n  yaml_body = local.a\n}",
			[]string{nothing, "infra/main.tf:6: kubectl_manifest.x has an object that follows from what only a plan knows: local.a" + usePlan},
		},
		"a number of a plan": {
			"resource \"kubectl_manifest\" \"x\" {\n  for_each  = data.kubectl_path_documents.x.manifests\n  yaml_body = each.value\n}",
			[]string{nothing, "infra/main.tf:1: kubectl_manifest.x stands for a number of objects that only a plan knows: data.kubectl_path_documents.x.manifests" + usePlan},
		},
		"a provider's function": {
			"resource \"kubectl_manifest\" \"x\" {\n  yaml_body = provider::x::y(1)\n}",
			[]string{nothing, "infra/main.tf:2: kubectl_manifest.x has an object that follows from what only a plan knows: an expression that is not evaluated here" + usePlan},
		},
		"resources of the cluster that are no manifests": {
			"resource \"kubernetes_network_policy_v1\" \"x\" {}\nresource \"helm_release\" \"y\" {}\nresource \"kubernetes_config_map\" \"z\" {}",
			[]string{
				nothing,
				"infra/main.tf:1: kubernetes_network_policy_v1.x puts something into the cluster that is not written as a manifest, so it cannot be modelled here: stagegate stage finds out what it does",
				"infra/main.tf:2: helm_release.y puts something into the cluster that is not written as a manifest, so it cannot be modelled here: stagegate stage finds out what it does",
			},
		},
		"a module of an unknown number": {
			"module \"m\" {\n  source = \"./m\"\n  count  = data.x.y.z\n}\n-- m/x.tf --\nresource \"kubectl_manifest\" \"x\" { yaml_body = \"{apiVersion: v1, kind: Namespace, metadata: {name: web}}\" }",
			[]string{"infra/main.tf:1: module.m is called a number of times that only a plan knows: data.x.y.z" + usePlan},
		},
		"what would exhaust memory": {
			"locals {\n  a = [for x in range(1000) : [for y in range(1000) : [for z in range(1000) : \"xxxxxxxxxx\"]]]\n}\nresource \"kubectl_manifest\" \"x\" {\n  yaml_body = jsonencode(local.a)\n}",
			[]string{nothing, "infra/main.tf:5: kubectl_manifest.x has an object that follows from what only a plan knows: local.a" + usePlan},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := lines(mustInspect(t, tt.text, options()), inspect.Unclear)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("unclear (-want +got):\n%s", diff)
			}
		})
	}
}

// Doubling a text in a chain of locals must not use up the memory.
func TestDoubling(t *testing.T) {
	var b strings.Builder
	b.WriteString("locals {\n  a0 = \"xxxxxxxxxxxxxxxx\"\n")
	for n := range 60 {
		fmt.Fprintf(&b, "  a%d = \"${local.a%d}${local.a%d}\"\n", n+1, n, n)
	}
	b.WriteString("}\nresource \"kubectl_manifest\" \"x\" {\n  yaml_body = local.a60\n}\n")
	result := mustInspect(t, b.String(), options())
	if result.Count(inspect.Unclear) == 0 {
		t.Error("a text of 16 EiB was taken for known")
	}
}

func TestGivenVariablesWin(t *testing.T) {
	text := `
variable "n" { default = "default" }
resource "kubectl_manifest" "x" { yaml_body = "{apiVersion: v1, kind: Namespace, metadata: {name: ${var.n}}}" }
-- a.auto.tfvars --
n = "a"
-- b.auto.tfvars.json --
{"n": "b"}
-- terraform.tfvars --
n = "plain"
`
	for _, tt := range []struct {
		given map[string]cty.Value
		want  string
	}{{nil, "Namespace b"}, {variables("n", "given"), "Namespace given"}} {
		o := options()
		o.Variables = tt.given
		got := keys(mustInspect(t, text, o).Objects)
		if len(got) != 1 || !strings.HasSuffix(got[0], tt.want) {
			t.Errorf("given %v: got %v; want %s", tt.given, got, tt.want)
		}
	}
}

func FuzzFiles(f *testing.F) {
	for _, seed := range [][3]string{
		{"resource \"kubectl_manifest\" \"x\" {\n  yaml_body = \"kind: ${var.x}\"\n}", "{}", ""},
		{"locals { a = [for x in fileset(path.module, \"*\") : file(x) if x != null] }", `{"locals": {"b": "${local.a}"}}`, "a"},
		{"module \"m\" { source = \"./m\" }", `{"resource": {"a": [{"b": {"provisioner": {"x": {}}}}]}}`, "variable \"n\" {}"},
		{"terraform {\n required_providers {\n  a = { source = \"b/c\" }\n }\n}\nprovider \"a\" {\n exec {\n  command = \"x\"\n }\n}", `{"terraform": {"backend": {"s3": {}}}}`, ""},
		{"variable \"v\" {\n type = map(object({a = optional(string, \"x\")}))\n default = {}\n}", `{"//": "x"}`, "output \"o\" {}"},
		{"data \"x\" \"y\" {\n count = 2\n z = templatefile(\"m/x.tf\", {a = count.index})\n}", "[]", "%{ for x in a }${x}%{ endfor }"},
		{"data \"external\" \"x\" {}", `{"check": {"c": {"data": {"http": {"h": {"url": "${templatestring(local.x, {})}"}}}}}}`, ""},
	} {
		f.Add(seed[0], seed[1], seed[2], true)
		f.Add(seed[0], seed[1], seed[2], false)
	}
	f.Fuzz(func(t *testing.T, native, json, module string, tofu bool) {
		o := options()
		o.Tofu = tofu
		result, err := inspect.Files([]tree.File{
			{Name: "main.tf", Content: []byte(native)},
			{Name: "other.tf.json", Content: []byte(json)},
			{Name: "m/x.tf", Content: []byte(module)},
			{Name: "x.auto.tfvars", Content: []byte(module)},
		}, o)
		if err != nil {
			return
		}
		// A program that the text plainly names as a data source is never let through.
		if strings.HasPrefix(native, "data \"external\" \"") && result.Count(inspect.Refused) == 0 {
			t.Errorf("let through: %q", native)
		}
		for _, finding := range result.Findings {
			if finding.Place == "" || finding.What == "" {
				t.Errorf("a finding without a place: %+v", finding)
			}
		}
		if len(result.Objects) == 0 && result.Count(inspect.Unclear) == 0 {
			t.Error("nothing was read, and nothing is said of it")
		}
	})
}
