package terraform_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/filetest"
	"github.com/stagegate/stagegate/internal/terraform"
	"github.com/stagegate/stagegate/internal/terraform/terraformtest"
)

// A plan that fails may quote what is secret before Terraform has told what is.
func TestSecretsOfAPlanThatFails(t *testing.T) {
	terraformtest.Need(t)
	main := declares + `
variable "stated" {
  sensitive = true
}
resource "terraform_data" "stated" {
  input = { login = ["jo", var.stated] }
  lifecycle {
    ignore_changes = [input]
  }
}
output "tells" {
  value     = "${terraform_data.stated.output.login[1]}-out"
  sensitive = true
}
`
	failing := main + `
variable "given" { sensitive = true }
variable "automatic" { sensitive = true }
variable "filed" { sensitive = true }
variable "number" {
  sensitive = true
  default   = 12345678
}
variable "defaulted" {
  sensitive = true
  default   = { password = "s3cret-default" }
}
resource "terraform_data" "never" {
  lifecycle {
    precondition {
      condition     = var.cluster_name == "elsewhere"
      error_message = nonsensitive("no login as ${var.given} ${var.automatic} ${var.filed} ${var.number} ${var.defaulted.password} ${terraform_data.stated.output.login[1]}")
    }
  }
}
`
	dir := filetest.Into(t, t.TempDir(), map[string]string{"main.tf": main, "s.vars": "filed = \"s3cret-filed\"\n"})
	o := options(t, "staging")
	o.Variables = map[string]any{"stated": "s3cret-stated"}
	w := open(t, dir, o)
	apply(t, w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	filetest.Into(t, dir, map[string]string{"main.tf": failing, "a.auto.tfvars": "automatic = \"s3cret-automatic\"\n"})
	o.Variables = map[string]any{"given": "s3cret-given", "stated": "another"}
	o.VarFiles = terraform.FilesAt([]string{filepath.Join(dir, "s.vars")})
	err := tryPlan(t, open(t, dir, o))
	want := "no login as (sensitive) (sensitive) (sensitive) (sensitive) (sensitive) (sensitive)"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v\nwant %s", err, want)
	}
}

// What a process that was killed has left behind is cleared by the next one.
func TestLeftoversOfAKilledProcess(t *testing.T) {
	terraformtest.Need(t)
	dir := filetest.Into(t, t.TempDir(), map[string]string{"main.tf": tiny})
	o := options(t, "staging")
	o.Variables = map[string]any{"password": "s3cret-and-long"}
	w := open(t, dir, o)
	private := w.Dir()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	filetest.Into(t, private, map[string]string{
		"plans/plan-7": "s3cret-and-long", "backend.tfbackend": "s3cret-and-long", "apply.jsonl": "{\"@message\": \"s3cret-and-long\"}\n",
	})
	plan(t, open(t, dir, o))
	for _, gone := range []string{"plans/plan-7", "backend.tfbackend"} {
		if _, err := os.Stat(filepath.Join(private, gone)); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", gone, err)
		}
	}
	if log, err := os.ReadFile(filepath.Join(private, "apply.jsonl")); err != nil || strings.Contains(string(log), "s3cret") {
		t.Errorf("the log is %s, %v", log, err)
	}
}

// An ephemeral variable is in no plan, so it is given again when the plan is applied.
func TestEphemeralVariables(t *testing.T) {
	terraformtest.Need(t)
	if found, err := terraform.Find(t.Context(), "terraform", nil, "", nil); err != nil || strings.HasPrefix(found.Version, "1.9.") {
		t.Skipf("skipped: ephemeral variables are of Terraform 1.10, and there is %s, %v", found.Version, err)
	}
	dir := filetest.Into(t, t.TempDir(), map[string]string{"main.tf": declares + `
variable "token" {
  ephemeral = true
}
variable "other" {
  ephemeral = true
  default   = "x"
}
resource "terraform_data" "a" {}
`})
	o := options(t, "staging")
	o.Variables = map[string]any{"token": "s3cret-and-long"}
	apply(t, open(t, dir, o))
}
