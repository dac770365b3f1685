package inspect_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/zclconf/go-cty/cty"

	"github.com/stagegate/stagegate/internal/change/terraform/inspect"
	"github.com/stagegate/stagegate/internal/change/tree"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// filesOf are the files of an archive; text without a file header is main.tf.
func filesOf(text string) []tree.File {
	archive := txtar.Parse([]byte(text))
	var files []tree.File
	if len(strings.TrimSpace(string(archive.Comment))) > 0 {
		files = append(files, tree.File{Name: "main.tf", Content: archive.Comment})
	}
	for _, f := range archive.Files {
		files = append(files, tree.File{Name: f.Name, Content: f.Data})
	}
	return files
}

func options() inspect.Options {
	return inspect.Options{Name: "infra", Allow: inspect.Allow{
		Providers: []string{"hashicorp/*", "gavinbunney/kubectl"}, Modules: []string{"terraform-aws-modules/*"}, Commands: []string{"aws"},
	}}
}

func mustInspect(t *testing.T, text string, o inspect.Options) *inspect.Result {
	t.Helper()
	result, err := inspect.Files(filesOf(text), o)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// lines are the findings of a severity, without what ends all of them.
func lines(r *inspect.Result, s inspect.Severity) []string {
	var out []string
	for _, f := range r.Findings {
		if f.Severity == s {
			out = append(out, f.String())
		}
	}
	return out
}

const review = ": take it out, or have the change reviewed and check it with --trust"

func TestRefused(t *testing.T) {
	tests := map[string]struct {
		text string
		want []string
	}{
		"external data source": {
			`data "external" "token" { program = ["sh", "-c", "id"] }`,
			[]string{"infra/main.tf:1: data.external.token runs a program whenever a plan is made" + review},
		},
		"external data source in JSON": {
			"-- main.tf.json --\n{\"data\": {\n \"external\": {\"token\": {\"program\": [\"id\"]}}}}",
			[]string{"infra/main.tf.json:2: data.external.token runs a program whenever a plan is made" + review},
		},
		"external data source in a check block": {
			"check \"up\" {\n  data \"external\" \"x\" { program = [\"id\"] }\n}",
			[]string{"infra/main.tf:2: data.external.x runs a program whenever a plan is made" + review},
		},
		"external data source in a local module": {
			"module \"a\" { source = \"./a\" }\n-- a/x.tf --\ndata \"external\" \"x\" {}",
			[]string{"infra/a/x.tf:1: module.a.data.external.x runs a program whenever a plan is made" + review},
		},
		"external data source in an override file": {
			"-- override.tf --\ndata \"external\" \"x\" {}",
			[]string{"infra/override.tf:1: data.external.x runs a program whenever a plan is made" + review},
		},
		"external provider under another name": {
			"terraform {\n  required_providers {\n    x = { source = \"hashicorp/external\" }\n  }\n}",
			[]string{"infra/main.tf:3: provider.x is hashicorp/external, and a plan runs its code; allowed are hashicorp/*, gavinbunney/kubectl: take it out, or add it to spec.terraform.allow.providers of the environment"},
		},
		"provisioners": {
			"resource \"terraform_data\" \"x\" {\n  provisioner \"local-exec\" {\n    command = \"id\"\n  }\n  connection {\n    host = \"h\"\n  }\n}",
			[]string{
				"infra/main.tf:2: terraform_data.x has a provisioner local-exec, which runs commands or copies files when the change is applied" + review,
				"infra/main.tf:5: terraform_data.x has a connection, with which provisioners log in to machines" + review,
			},
		},
		"provisioner in JSON": {
			"-- main.tf.json --\n{\"resource\": {\"null_resource\": {\"x\": {\n\"provisioner\": [{\"remote-exec\": {\"inline\": [\"id\"]}}]}}}}",
			[]string{"infra/main.tf.json:2: null_resource.x has a provisioner remote-exec, which runs commands or copies files when the change is applied" + review},
		},
		"provisioner of what is removed": {
			"removed {\n  from = terraform_data.x\n  provisioner \"local-exec\" {\n    when = destroy\n  }\n}",
			[]string{"infra/main.tf:3: removed has a provisioner local-exec, which runs commands or copies files when the change is applied" + review},
		},
		"provisioner in an override": {
			"resource \"terraform_data\" \"x\" {}\n-- x_override.tf.json --\n{\"resource\": {\"terraform_data\": {\"x\": {\"provisioner\": {\"file\": {}}}}}}",
			[]string{"infra/x_override.tf.json:1: terraform_data.x has a provisioner file, which runs commands or copies files when the change is applied" + review},
		},
		"provider by its name alone": {
			`resource "shell_script" "x" {}`,
			nil, // hashicorp/shell: there is none, and only HashiCorp can publish there
		},
		"unknown provider": {
			"terraform {\n  required_providers {\n    shell = {\n      source = \"scottwinkler/shell\"\n    }\n  }\n}\nresource \"shell_script\" \"x\" {}",
			[]string{"infra/main.tf:3: provider.shell is scottwinkler/shell, and a plan runs its code; allowed are hashicorp/*, gavinbunney/kubectl: take it out, or add it to spec.terraform.allow.providers of the environment"},
		},
		"provider of another registry": {
			"terraform {\n  required_providers {\n    aws = { source = \"registry.evil.example/hashicorp/aws\" }\n  }\n}",
			[]string{"infra/main.tf:3: provider.aws is registry.evil.example/hashicorp/aws, and a plan runs its code; allowed are hashicorp/*, gavinbunney/kubectl: take it out, or add it to spec.terraform.allow.providers of the environment"},
		},
		"modules from elsewhere": {
			"module \"a\" {\n  source = \"git::https://evil.example/m.git\"\n}\nmodule \"b\" {\n  source = \"evil/eks/aws\"\n}\nmodule \"c\" {\n  source = \"terraform-aws-modules/eks/aws\"\n}\nmodule \"d\" {\n  source = \"terraform-aws-modules/../evil\"\n}",
			[]string{
				`infra/main.tf:2: module.a comes from "git::https://evil.example/m.git", outside the configuration; allowed are terraform-aws-modules/*: keep it in the directory, or add it to spec.terraform.allow.modules of the environment`,
				`infra/main.tf:5: module.b comes from "evil/eks/aws", outside the configuration; allowed are terraform-aws-modules/*: keep it in the directory, or add it to spec.terraform.allow.modules of the environment`,
				`infra/main.tf:11: module.d comes from "terraform-aws-modules/../evil", outside the configuration; allowed are terraform-aws-modules/*: keep it in the directory, or add it to spec.terraform.allow.modules of the environment`,
			},
		},
		"module of a test, which init fetches": {
			"-- main.tf --\n-- tests/x.tftest.hcl --\nrun \"setup\" {\n  module {\n    source = \"evil/m/aws\"\n  }\n}",
			[]string{`infra/tests/x.tftest.hcl:3: module of a test comes from "evil/m/aws", outside the configuration; allowed are terraform-aws-modules/*: keep it in the directory, or add it to spec.terraform.allow.modules of the environment`},
		},
		"local modules that are not there": {
			"module \"a\" {\n  source = \"../b\"\n}\nmodule \"c\" {\n  source = \"./.hidden\"\n}",
			[]string{
				`infra/main.tf:2: module.a comes from "../b", where this repository (or, in none, this directory) has no configuration: correct the source, or have the change reviewed and check it with --trust`,
				`infra/main.tf:5: module.c comes from "./.hidden", where this repository (or, in none, this directory) has no configuration: correct the source, or have the change reviewed and check it with --trust`,
			},
		},
		"local module beside the root": {
			"module \"a\" {\n  source = \"../a\"\n}\n-- ../a/x.tf --\nlocals {\n  ok  = file(\"${path.module}/in.txt\")\n  out = file(\"${path.module}/../../x\")\n}\n-- ../a/in.txt --\n",
			[]string{`a/x.tf:3: module.a.locals reads "../a/../../x", a file outside the configuration, with file(): keep the file in the directory, or have the change reviewed and check it with --trust`},
		},
		"module that calls itself": {
			"module \"a\" { source = \"./a\" }\n-- a/x.tf --\nmodule \"a\" { source = \"../a\" }",
			[]string{"infra/a/x.tf:1: " + strings.Repeat("module.a.", 20) + "module.a is called more than 20 modules deep: call it from fewer"},
		},
		"credential commands": {
			"provider \"kubernetes\" {\n  exec {\n    command = \"aws\"\n  }\n}\nprovider \"helm\" {\n  kubernetes = {\n    exec = {\n      command = \"sh\"\n    }\n  }\n}\nprovider \"kubectl\" {\n  dynamic \"exec\" {\n    for_each = [1]\n    content {\n      command = data.x.y.z\n    }\n  }\n}",
			[]string{
				`infra/main.tf:8: provider.helm runs the program "sh" for its credentials; allowed are aws: take it out, or add it to spec.terraform.allow.commands of the environment`,
				"infra/main.tf:14: provider.kubectl runs a program for its credentials that only a plan knows" + review,
			},
		},
		"settings in files of the change": {
			"provider \"kubernetes\" {\n  config_path = \"${path.module}/kubeconfig\"\n}\nprovider \"aws\" {\n  shared_config_files = [\"aws.conf\"]\n}\nprovider \"kubectl\" {\n  config_path = data.x.y.z\n}\nprovider \"helm\" {\n  kubernetes {\n    config_path = \"~/.kube/config\"\n  }\n}",
			[]string{
				"infra/main.tf:2: provider.kubernetes reads settings (config_path) from ./kubeconfig, a file of the change, which can name programs to run" + review,
				"infra/main.tf:5: provider.aws reads settings (shared_config_files) from aws.conf, a file of the change, which can name programs to run" + review,
				"infra/main.tf:8: provider.kubectl reads settings (config_path) from a file that only a plan knows, which can name programs to run" + review,
			},
		},
		"backends": {
			"terraform {\n  backend \"http\" {}\n  cloud {}\n  encryption {}\n  state_store \"x\" {}\n}\ndata \"terraform_remote_state\" \"x\" {\n  backend = \"remote\"\n}",
			[]string{
				`infra/main.tf:2: terraform.backend.http keeps state in a backend of type "http", which can be any address: use one of local, s3, gcs, azurerm, kubernetes, oss, cos, or have the change reviewed and check it with --trust`,
				"infra/main.tf:3: terraform.cloud hands the run to another system" + review,
				"infra/main.tf:4: terraform.encryption can run programs for its keys" + review,
				"infra/main.tf:5: terraform.state_store.x is no setting that is known here, so what it would do cannot be told" + review,
				`infra/main.tf:7: data.terraform_remote_state.x keeps state in a backend of type "remote", which can be any address: use one of local, s3, gcs, azurerm, kubernetes, oss, cos, or have the change reviewed and check it with --trust`,
			},
		},
		"files outside": {
			"locals {\n  a = file(\"/etc/passwd\")\n  b = templatefile(\"../../x\", {})\n  c = core::filebase64(pathexpand(\"~/.ssh/id\"))\n  d = [for f in [\"in.txt\", \"../out\"] : file(f)]\n  e = fileset(path.module, \"../**\")\n  f = file(\"~/x\")\n  g = fileset(\".\", \"{../..}/*\")\n}",
			[]string{
				`infra/main.tf:2: locals reads "/etc/passwd", a file outside the configuration, with file(): keep the file in the directory, or have the change reviewed and check it with --trust`,
				`infra/main.tf:3: locals reads "../../x", a file outside the configuration, with templatefile(): keep the file in the directory, or have the change reviewed and check it with --trust`,
				"infra/main.tf:4: locals calls filebase64() with a file that only a plan knows: an expression that is not evaluated here" + review,
				`infra/main.tf:5: locals reads "../out", a file outside the configuration, with file(): keep the file in the directory, or have the change reviewed and check it with --trust`,
				"infra/main.tf:6: locals lists files outside the configuration with fileset(): keep the files in the directory",
				`infra/main.tf:7: locals reads "~/x", a file outside the configuration, with file(): keep the file in the directory, or have the change reviewed and check it with --trust`,
				"infra/main.tf:8: locals lists files outside the configuration with fileset(): keep the files in the directory",
			},
		},
		"files outside in JSON": {
			"-- main.tf.json --\n{\"locals\": {\n\"a\": [{\"b\": \"x ${file(\\\"/etc/passwd\\\")}\"}]}}",
			[]string{`infra/main.tf.json:2: locals reads "/etc/passwd", a file outside the configuration, with file(): keep the file in the directory, or have the change reviewed and check it with --trust`},
		},
		"files that a template reads": {
			"locals {\n  a = templatefile(\"t.tftpl\", {})\n  b = templatestring(local.c, {})\n  c = \"$${file(\\\"/etc/passwd\\\")}\"\n  d = templatestring(data.x.y.z, {})\n}\n-- t.tftpl --\n${file(\"/etc/passwd\")}",
			[]string{
				"infra/main.tf:3: locals uses a template that reads a file with file(): read the file in the configuration, and hand its content to the template",
				"infra/main.tf:5: locals renders a template that only a plan knows, which can read any file" + review,
				"infra/t.tftpl:1: locals uses a template that reads a file with file(): read the file in the configuration, and hand its content to the template",
			},
		},
		"files that follow from a plan": {
			"resource \"local_file\" \"x\" {\n  count   = 0\n  content = file(data.x.y.path)\n}",
			[]string{"infra/main.tf:3: local_file.x calls file() with a file that only a plan knows: data.x.y.path" + review},
		},
		"data source that reads a file": {
			"data \"local_file\" \"x\" {\n  filename = \"/etc/passwd\"\n}",
			[]string{`infra/main.tf:2: data.local_file.x names a file outside the configuration (filename = "/etc/passwd"): keep it in the directory, or have the change reviewed and check it with --trust`},
		},
		"chart with a post-renderer": {
			"resource \"helm_release\" \"x\" {\n  postrender {\n    binary_path = \"./x\"\n  }\n}",
			[]string{"infra/main.tf:2: helm_release.x runs a program over what the chart renders" + review},
		},
		"blocks that are not known": {
			"action \"local_command\" \"x\" {}\nsurprise {}\nloose = 1",
			[]string{
				"infra/main.tf:1: action.local_command.x is no block that is known here, so what it would do cannot be told" + review,
				"infra/main.tf:2: surprise is no block that is known here, so what it would do cannot be told" + review,
				"infra/main.tf:3: loose is no block that is known here, so what it would do cannot be told" + review,
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := lines(mustInspect(t, tt.text, options()), inspect.Refused)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAllowed(t *testing.T) {
	text := `
terraform {
  required_version = ">= 1.5"
  required_providers {
    aws     = { source = "registry.terraform.io/hashicorp/aws", version = "~> 6.0" }
    kubectl = { source = "gavinbunney/kubectl" }
  }
  backend "s3" { bucket = "state" }
}
variable "cluster_name" { type = string }
provider "aws" { region = "eu-central-1" }
provider "aws" {
  alias = "other"
}
resource "aws_instance" "x" {
  provider  = aws.other
  user_data = templatefile("${path.module}/files/init.tftpl", { name = var.cluster_name })
}
resource "kubectl_manifest" "all" {
  for_each  = fileset(path.module, "files/*.yaml")
  yaml_body = file("${path.module}/${each.value}")
}
import {
  to = aws_instance.x
  id = "i-1"
}
moved {
  from = aws_instance.y
  to   = aws_instance.x
}
removed {
  from = aws_instance.z
  lifecycle { destroy = false }
}
output "x" { value = [for f in fileset(path.module, "files/*") : filesha256("files/${basename(f)}")] }
-- files/init.tftpl --
hello ${name}
-- files/a.yaml --
apiVersion: v1
kind: Namespace
metadata: {name: a}
-- files/b.yaml --
apiVersion: v1
kind: Namespace
metadata: {name: b}
`
	result := mustInspect(t, text, options())
	if got := lines(result, inspect.Refused); got != nil {
		t.Errorf("refused: %s", strings.Join(got, "\n"))
	}
	if got := lines(result, inspect.Unclear); got != nil {
		t.Errorf("unclear: %s", strings.Join(got, "\n"))
	}
	want := []string{"infra: what these do to the network is not modelled: aws_instance (1)"}
	if diff := cmp.Diff(want, lines(result, inspect.Remark)); diff != "" {
		t.Errorf("remarks (-want +got):\n%s", diff)
	}
	if len(result.Objects) != 2 {
		t.Errorf("objects = %v; want the two namespaces", keys(result.Objects))
	}
}

func keys(objects []snapshot.Object) []string {
	var out []string
	for _, o := range objects {
		out = append(out, fmt.Sprintf("%s: %s", o.Source, snapshot.KeyOf(o.Unstructured)))
	}
	slices.Sort(out)
	return out
}

// OpenTofu reads files of its own, in the place of Terraform's of the same name.
func TestTofu(t *testing.T) {
	text := "-- main.tf --\ndata \"external\" \"a\" {}\n-- main.tofu --\n-- other.tofu --\ndata \"external\" \"b\" {}"
	for tofu, want := range map[bool]string{false: "infra/main.tf:1: data.external.a", true: "infra/other.tofu:1: data.external.b"} {
		o := options()
		o.Tofu = tofu
		got := lines(mustInspect(t, text, o), inspect.Refused)
		if len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("tofu %v: got %v; want %s", tofu, got, want)
		}
	}
}

// What cannot be read is an error with file and line, never a pass.
func TestUnreadable(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"nothing":              {"-- README.md --\nhello", "infra: no Terraform configuration (*.tf, *.tf.json): name the directory of the root module"},
		"syntax":               {"\nresource {", "infra/main.tf:2: "},
		"JSON":                 {"-- a.tf.json --\n{\"resource\": ", "infra/a.tf.json:1: "},
		"template in JSON":     {"-- a.tf.json --\n{\"locals\": {\"a\": \"${\"}}", "infra/a.tf.json:1: "},
		"local module":         {"module \"a\" { source = \"./a\" }\n-- a/x.tf --\nresource {", "infra/a/x.tf:1: "},
		"type":                 {"variable \"x\" {\n  type = nonsense(1)\n}", "infra/main.tf:2: "},
		"manifest":             {"resource \"kubectl_manifest\" \"x\" {\n  yaml_body = \"kind: [\"\n}", "infra/main.tf:2 (kubectl_manifest.x):2: not valid YAML"},
		"binary":               {"-- main.tf --\n\x00", "infra/main.tf: a binary file, not a configuration: remove it"},
		"too deep":             {"locals { a = " + strings.Repeat("(", 100000) + "1", "infra/main.tf: nested too deeply to inspect: write it more plainly"},
		"too deep in JSON":     {"-- a.tf.json --\n" + strings.Repeat("[", 100000), "infra/a.tf.json: nested too deeply to inspect: write it more plainly"},
		"too large":            {strings.Repeat("# long\n", 200_000), "infra/main.tf: larger than 1024 KiB, too large to inspect: split the file"},
		"too many not":         {"locals { a = " + strings.Repeat("!", 100000) + "true }", "infra/main.tf: nested too deeply to inspect: write it more plainly"},
		"values":               {"-- main.tf --\n-- terraform.tfvars --\na = file(\"x\")", "infra/terraform.tfvars:1: "},
		"too deep in template": {"-- a.tf.json --\n{\"locals\": {\"a\": \"${" + strings.Repeat("(", 1000) + "\"}}", "nested too deeply"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			result, err := inspect.Files(filesOf(tt.text), options())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, %v; want %q", result, err, tt.want)
			}
		})
	}
}

func variables(pairs ...string) map[string]cty.Value {
	out := map[string]cty.Value{}
	for n := 0; n < len(pairs); n += 2 {
		out[pairs[n]] = cty.StringVal(pairs[n+1])
	}
	return out
}
