package terraform_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/filetest"
	"github.com/stagegate/stagegate/internal/terraform"
	"github.com/stagegate/stagegate/internal/terraform/terraformtest"
)

// The user's own kubeconfig is never what a provider finds.
func TestKubeconfig(t *testing.T) {
	terraformtest.Need(t)
	dir := filetest.Into(t, t.TempDir(), map[string]string{"main.tf": declares + `
resource "terraform_data" "a" {
  provisioner "local-exec" {
    command = "cat $KUBECONFIG $KUBE_CONFIG_PATH"
  }
}
`})
	mine := filepath.Join(filetest.Into(t, t.TempDir(), map[string]string{"config": "mine"}), "config")
	for _, name := range []string{"KUBECONFIG", "KUBE_CONFIG_PATH", "KUBE_HOST"} {
		t.Setenv(name, mine)
	}
	for _, own := range []string{"", mine} {
		var shown strings.Builder
		o := options(t, "staging")
		o.Kubeconfig = own
		o.Progress = func(format string, args ...any) { fmt.Fprintf(&shown, format+"\n", args...) }
		apply(t, open(t, dir, o))
		if given, empty := strings.Contains(shown.String(), "mine"), strings.Contains(shown.String(), "kind: Config"); given != (own != "") || empty != (own == "") {
			t.Errorf("with kubeconfig %q:\n%s", own, shown.String())
		}
	}
}

const tiny = `
variable "cluster_name" {}
variable "size" {
  default = 1
}
variable "password" {
  sensitive = true
  default   = "unset-password"
}
resource "terraform_data" "cluster" {
  input = "${var.cluster_name} ${var.size}"
}
resource "terraform_data" "secret" {
  input = var.password
}
output "name" {
  value = terraform_data.cluster.output
}
`

// options are those of an environment with a home of the test's own.
func options(t *testing.T, environment string) terraform.Options {
	t.Helper()
	dir := t.TempDir()
	return terraform.Options{
		Home: filepath.Join(dir, "terraform"), Cache: filepath.Join(dir, "cache"),
		Environment: environment, ClusterName: environment, LockTimeout: time.Millisecond,
		Progress: func(format string, args ...any) { t.Logf(format, args...) },
	}
}

func read(t *testing.T, dir string) *terraform.Config {
	t.Helper()
	c, err := terraform.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func open(t *testing.T, dir string, o terraform.Options) *terraform.Workspace {
	t.Helper()
	w, err := terraform.Open(t.Context(), read(t, dir), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func plan(t *testing.T, w *terraform.Workspace) *terraform.Plan {
	t.Helper()
	p, err := w.Plan(t.Context(), terraform.PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func apply(t *testing.T, w *terraform.Workspace) {
	t.Helper()
	if err := w.Apply(t.Context(), plan(t, w), begun); err != nil {
		t.Fatal(err)
	}
}

func begun() error { return nil }

func name(t *testing.T, w *terraform.Workspace) string {
	t.Helper()
	out, err := w.Outputs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return string(out["name"].Value)
}

func TestApplyInAPrivateCopy(t *testing.T) {
	commands := terraformtest.Counted(t)
	dir := filetest.Into(t, t.TempDir(), map[string]string{"main.tf": tiny, "terraform.tfvars": `size = 2`, ".terraform/mine": "kept"})
	before := terraformtest.Dump(t, dir)
	o := options(t, "staging")
	o.Variables = map[string]any{"password": "hunter2-and-more", "undeclared": true}
	w := open(t, dir, o)
	apply(t, w)
	if got, want := name(t, w), `"staging 2"`; got != want {
		t.Errorf("output is %s, want %s", got, want)
	}
	if d := cmp.Diff(before, terraformtest.Dump(t, dir)); d != "" {
		t.Errorf("the user's directory has changed (-before +after):\n%s", d)
	}
	got := map[string]int{}
	for _, c := range commands() {
		got[c]++
	}
	if got["init"] != 1 || got["plan"] != 1 || got["apply"] != 1 {
		t.Errorf("commands are %v, want one init, one plan and one apply", got)
	}
}

func TestStatesArePrivateAndLast(t *testing.T) {
	terraformtest.Need(t)
	dir := filetest.Into(t, t.TempDir(), map[string]string{"main.tf": tiny})
	o := options(t, "staging")
	apply(t, open(t, dir, o))
	production := o
	production.Environment, production.ClusterName = "production", "production"
	other := open(t, dir, production)
	if p := plan(t, other); p.Empty() {
		t.Error("the plan of production is empty after staging was applied: they share a state")
	}
}

func TestStateOutlivesTheCopy(t *testing.T) {
	terraformtest.Need(t)
	dir := filetest.Into(t, t.TempDir(), map[string]string{"main.tf": tiny})
	o := options(t, "staging")
	w := open(t, dir, o)
	apply(t, w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if p := plan(t, open(t, dir, o)); !p.Empty() {
		t.Error("the plan is not empty although nothing has changed: the state is lost")
	}
}

func TestRefusesASharedState(t *testing.T) {
	terraformtest.Need(t)
	dir := filetest.Into(t, t.TempDir(), map[string]string{"main.tf": tiny})
	o := options(t, "staging")
	o.BackendConfig = map[string]string{"path": filepath.Join(t.TempDir(), "shared.tfstate")}
	open(t, dir, o)
	o.Environment, o.ClusterName = "production", "production"
	_, err := terraform.Open(t.Context(), read(t, dir), o)
	want := "environments production and staging keep their state in the same place (backend local): set spec.terraform.workspace or spec.terraform.backendConfig in one of them, so that each has its own"
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

// An environment that names no workspace any more is in the default one again.
func TestLeavesAWorkspace(t *testing.T) {
	terraformtest.Need(t)
	dir := filetest.Into(t, t.TempDir(), map[string]string{"main.tf": tiny})
	o := options(t, "staging")
	o.Workspace = "blue"
	w := open(t, dir, o)
	apply(t, w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	o.Workspace = ""
	w = open(t, dir, o)
	if plan(t, w).Empty() {
		t.Error("the plan is empty: the workspace blue is still selected")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	o.Workspace = "blue"
	if !plan(t, open(t, dir, o)).Empty() {
		t.Error("the plan is not empty: the state of workspace blue is lost")
	}
}

func TestRefusesAStalePlan(t *testing.T) {
	terraformtest.Need(t)
	dir := filetest.Into(t, t.TempDir(), map[string]string{"main.tf": tiny})
	w := open(t, dir, options(t, "staging"))
	stale := plan(t, w)
	apply(t, w)
	err := w.Apply(t.Context(), stale, begun)
	var refused *terraform.StaleError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "the state was no state when it was made, and is now serial") {
		t.Errorf("error is %v, want a stale plan", err)
	}
}

func TestPlansAreForNobodyElse(t *testing.T) {
	terraformtest.Need(t)
	dir := filetest.Into(t, t.TempDir(), map[string]string{"main.tf": tiny})
	w := open(t, dir, options(t, "staging"))
	plan(t, w)
	plans := filepath.Join(w.Dir(), "plans")
	files := slices.Sorted(maps.Keys(terraformtest.Dump(t, plans)))
	if len(files) != 2 {
		t.Errorf("files are %v, want a plan and its binding", files)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v, want mode 0600", f, info.Mode(), err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(plans); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the plans are still there after Close: %v", err)
	}
}

func TestInterruptLetsTerraformSaveItsState(t *testing.T) {
	terraformtest.Need(t)
	dir := filetest.Into(t, t.TempDir(), map[string]string{"main.tf": `
variable "cluster_name" {}
resource "terraform_data" "first" {
  provisioner "local-exec" {
    command = "sleep 2"
  }
}
resource "terraform_data" "second" {
  depends_on = [terraform_data.first]
}
`})
	started := make(chan struct{})
	o := options(t, "staging")
	o.Progress = func(format string, args ...any) {
		if strings.Contains(format+" "+strings.Join(texts(args), " "), "Provisioning with") {
			close(started)
		}
	}
	w := open(t, dir, o)
	p := plan(t, w)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	if err := w.Apply(ctx, p, begun); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want context.Canceled", err)
	}
	state, err := w.Show(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if state.Values == nil || len(state.Values.RootModule.Resources) != 1 {
		t.Errorf("state is %+v, want the first resource alone", state.Values)
	}
}

func texts(args []any) []string {
	var out []string
	for _, a := range args {
		if s, ok := a.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// The cluster's state and that of a change to it must not be one: each would delete what is
// the other's.
func TestRefusesTheClustersState(t *testing.T) {
	terraformtest.Need(t)
	dir := filetest.Into(t, t.TempDir(), map[string]string{"main.tf": tiny})
	o := options(t, "staging")
	o.Key, o.BackendConfig = terraform.ClusterKey, map[string]string{"path": filepath.Join(t.TempDir(), "shared.tfstate")}
	open(t, dir, o)
	o.Key = ""
	_, err := terraform.Open(t.Context(), read(t, dir), o)
	want := "environment staging keeps the state of its cluster and that of a change in the same place (backend local), where each would delete what is the other's: set spec.provider.terraform.backendConfig, or another key in the configuration"
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

// Two configurations of one environment must not have one state; two checkouts of the same
// one may.
func TestRefusesAnotherConfigurationsState(t *testing.T) {
	terraformtest.Need(t)
	dir := filetest.Into(t, t.TempDir(), map[string]string{
		"one/.git/HEAD": "", "one/infra/main.tf": tiny, "one/net/main.tf": tiny, "two/.git/HEAD": "", "two/infra/main.tf": tiny,
	})
	o := options(t, "staging")
	o.BackendConfig = map[string]string{"path": filepath.Join(t.TempDir(), "shared.tfstate")}
	first := open(t, filepath.Join(dir, "one", "infra"), o)
	open(t, filepath.Join(dir, "two", "infra"), o)
	_, err := terraform.Open(t.Context(), read(t, filepath.Join(dir, "one", "net")), o)
	want := fmt.Sprintf("environment staging keeps the states of %[1]s/one/infra and %[1]s/one/net in the same place (backend local), where each would delete what is the other's: give one of them another key in its configuration", dir)
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"one/infra", "two/infra"} { // as a directory that was renamed is
		if err := os.RemoveAll(filepath.Join(dir, gone)); err != nil {
			t.Fatal(err)
		}
	}
	open(t, filepath.Join(dir, "one", "net"), o)
}

// Of two environments that begin at once with one state, one is refused.
func TestRefusesASharedStateAtOnce(t *testing.T) {
	terraformtest.Need(t)
	dir := filetest.Into(t, t.TempDir(), map[string]string{"main.tf": tiny})
	o := options(t, "")
	o.BackendConfig = map[string]string{"path": filepath.Join(t.TempDir(), "shared.tfstate")}
	refused := make(chan error)
	for _, environment := range []string{"staging", "production"} {
		go func() {
			mine := o
			mine.Environment, mine.ClusterName = environment, environment
			w, err := terraform.Open(context.WithoutCancel(t.Context()), read(t, dir), mine)
			if err == nil {
				err = w.Close()
			}
			refused <- err
		}()
	}
	if first, second := <-refused, <-refused; (first == nil) == (second == nil) {
		t.Errorf("errors are %v and %v, want one", first, second)
	}
}
