package terraform_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/filetest"
	"github.com/stagegate/stagegate/internal/terraform/terraformtest"
)

const first = `
resource "terraform_data" "a" { input = "one" }
resource "terraform_data" "b" { input = "one" }
`

func TestRevertGoesBackToWhatWasCommittedLast(t *testing.T) {
	b := newBench(t, "staging", first)
	b.apply(true)
	unchanged := map[string]change.Action{"terraform_data.a": change.Keep, "terraform_data.b": change.Keep}
	if d := cmp.Diff(unchanged, b.actions()); d != "" {
		t.Fatalf("plan after the apply (-want +got):\n%s", d)
	}
	b.write(`
resource "terraform_data" "b" { input = "two" }
resource "terraform_data" "c" { input = "two" }
`)
	want := map[string]change.Action{"terraform_data.a": change.Delete, "terraform_data.b": change.Update, "terraform_data.c": change.Create}
	if d := cmp.Diff(want, b.actions()); d != "" {
		t.Errorf("plan of the second configuration (-want +got):\n%s", d)
	}
	outcome := b.revert(b.apply(false))
	if len(outcome.Left) > 0 {
		t.Errorf("left: %v", outcome.Left)
	}
	b.write(first)
	if d := cmp.Diff(unchanged, b.actions()); d != "" {
		t.Errorf("plan of the first configuration after the revert (-want +got):\n%s", d)
	}
}

func TestRevertOfTheFirstApplyDestroysWhatItCreated(t *testing.T) {
	b := newBench(t, "staging", first)
	record := b.apply(true)
	if outcome := b.revert(record); len(outcome.Left) > 0 {
		t.Errorf("left: %v", outcome.Left)
	}
	if strings.Contains(b.state(), "terraform_data") {
		t.Errorf("the state is not empty:\n%s", b.state())
	}
	// Again: there is nothing left to do.
	if outcome := b.revert(record); len(outcome.Left) > 0 {
		t.Errorf("left the second time: %v", outcome.Left)
	}
}

func TestRevertLeavesWhatALaterRunApplied(t *testing.T) {
	b := newBench(t, "staging", first)
	early := b.apply(true)
	b.write(first + "resource \"terraform_data\" \"c\" {}\n")
	b.apply(true)
	before := b.state()
	outcome := b.revert(early)
	if len(outcome.Left) != 1 || !strings.Contains(outcome.Left[0].Why, "run run-2 has applied a later change to it: roll that one back first") {
		t.Errorf("left: %v", outcome.Left)
	}
	if b.state() != before {
		t.Error("the state has changed")
	}
}

// A state that was there before stagegate has no configuration to go back to.
func TestRevertLeavesWhatItDoesNotKnow(t *testing.T) {
	b := newBench(t, "staging", first)
	b.apply(false)
	b.write(`
resource "terraform_data" "a" { input = "two" }
resource "terraform_data" "b" { input = "one" }
resource "terraform_data" "c" {}
`)
	outcome := b.revert(b.apply(false))
	if len(outcome.Left) != 1 || outcome.Left[0].Address != "terraform_data.a" {
		t.Errorf("left: %v, want terraform_data.a", outcome.Left)
	}
	if strings.Contains(b.state(), `"name": "c"`) {
		t.Error("what the change created is still there")
	}
}

// What was in force on a cluster that is no more says nothing about the one in its place.
func TestRevertOnAnotherCluster(t *testing.T) {
	b := newBench(t, "staging", first)
	b.cluster = "uid-1"
	b.apply(true)
	b.cluster = "uid-2"
	b.write(first + "resource \"terraform_data\" \"c\" {}\n")
	record := b.apply(false)
	if record.Terraform.Previous != nil {
		t.Errorf("the record would go back to %+v", record.Terraform.Previous)
	}
	if outcome := b.revert(record); len(outcome.Left) > 0 || strings.Contains(b.state(), `"name": "c"`) {
		t.Errorf("left: %v; state:\n%s", outcome.Left, b.state())
	}
}

// What was moved and changed at once is not destroyed for the sake of its old address.
func TestRevertLeavesWhatWasMoved(t *testing.T) {
	b := newBench(t, "staging", first)
	b.apply(true)
	b.write(`
resource "terraform_data" "moved" { input = "two" }
resource "terraform_data" "b" { input = "one" }
moved {
  from = terraform_data.a
  to   = terraform_data.moved
}
`)
	record := b.apply(false)
	before := b.state()
	outcome := b.revert(record)
	if len(outcome.Left) != 1 || outcome.Left[0].Address != "terraform_data.moved" || !strings.Contains(outcome.Left[0].Why, "this change did not create it") {
		t.Errorf("left: %v, want terraform_data.moved", outcome.Left)
	}
	if b.state() != before {
		t.Error("the state has changed")
	}
}

// What Terraform was told to forget is not made a second time: a person imports it again,
// with the command that is named.
func TestRevertLeavesWhatWasForgotten(t *testing.T) {
	b := newBench(t, "staging", first)
	b.apply(true)
	b.write(`
resource "terraform_data" "b" { input = "two" }
removed {
  from = terraform_data.a
  lifecycle { destroy = false }
}
`)
	record := b.apply(false)
	before := b.state()
	outcome := b.revert(record)
	if len(outcome.Left) != 1 || outcome.Left[0].Address != "terraform_data.a" {
		t.Fatalf("left: %v, want terraform_data.a", outcome.Left)
	}
	if b.state() != before {
		t.Error("the state has changed")
	}
	_, command, _ := strings.Cut(outcome.Left[0].Why, "import it again (")
	command, _, _ = strings.Cut(command, ")")
	if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	if outcome := b.revert(record); len(outcome.Left) > 0 {
		t.Errorf("left: %v", outcome.Left)
	}
	b.write(first)
	for address, action := range b.actions() {
		if address == "terraform_data.b" && action != change.Keep {
			t.Errorf("%s: %s after the revert", address, action)
		}
	}
}

// Nor is it passed over where there is no configuration to go back to.
func TestRevertNamesWhatWasForgotten(t *testing.T) {
	b := newBench(t, "staging", first)
	b.apply(false)
	b.write(`
resource "terraform_data" "b" { input = "one" }
removed {
  from = terraform_data.a
  lifecycle { destroy = false }
}
`)
	outcome := b.revert(b.apply(false))
	if len(outcome.Left) != 1 || outcome.Left[0].Address != "terraform_data.a" || !strings.Contains(outcome.Left[0].Why, "import it again") {
		t.Errorf("left: %v, want terraform_data.a", outcome.Left)
	}
}

func TestStalePlanIsRefused(t *testing.T) {
	b := newBench(t, "staging", first)
	backend, part := b.backend(), b.part()
	b.plan(backend, part)
	// Someone else applies meanwhile, with the state in the same place.
	file := filepath.Join(filepath.Dir(backendDir(t, b)), "state", "terraform.tfstate")
	filetest.Into(t, filepath.Dir(file), map[string]string{"terraform.tfstate": `{"version": 4, "terraform_version": "1.11.4", "serial": 7, "lineage": "someone-else", "outputs": {}, "resources": []}`})
	record := b.record(part)
	err := backend.Apply(t.Context(), part, b.target, record, b.show)
	var refused *apply.RefusedError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "the plan is stale and was not applied: the state was no state when it was made, and is now serial 7 of lineage someone-else: plan again") {
		t.Errorf("error is %v, want a stale plan", err)
	}
	if record.Terraform.Began {
		t.Error("the record says that the apply began")
	}
}

func backendDir(t *testing.T, b *bench) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(b.home, b.env.Name, "*", "backend.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files are %v, %v", files, err)
	}
	return files[0]
}

func TestConditions(t *testing.T) {
	const holds = "condition     = var.cluster_name == \"production\"\n    error_message = \"only production has it\"\n"
	t.Run("precondition", func(t *testing.T) {
		b := newBench(t, "staging", "resource \"terraform_data\" \"a\" {\n  lifecycle {\n    precondition {\n"+holds+"    }\n  }\n}\n")
		set := b.plan(b.backend(), b.part())
		if len(set.Failures) != 1 || !strings.Contains(set.Failures[0], "Resource precondition failed (main.tf:5): only production has it") {
			t.Errorf("failures are %q", set.Failures)
		}
	})
	t.Run("check", func(t *testing.T) {
		b := newBench(t, "staging", first+"check \"place\" {\n  assert {\n"+holds+"  }\n}\n")
		backend, part := b.backend(), b.part()
		if set := b.plan(backend, part); len(set.Failures) > 0 {
			t.Errorf("failures of the plan are %q, want none: the change may be what makes the check hold", set.Failures)
		}
		record := b.record(part)
		err := backend.Apply(t.Context(), part, b.target, record, b.show)
		var checks *apply.CheckError
		if !errors.As(err, &checks) || err.Error() != "check.place does not hold: only production has it" {
			t.Errorf("error is %v, want a check that does not hold", err)
		}
		b.close(backend)
		if outcome := b.revert(record); len(outcome.Left) > 0 || strings.Contains(b.state(), "terraform_data") {
			t.Errorf("left: %v; state:\n%s", outcome.Left, b.state())
		}
	})
	t.Run("tool error", func(t *testing.T) {
		b := newBench(t, "staging", "resource \"terraform_data\" \"a\" { input = nothing.at_all }\n")
		_, err := b.backend().Plan(t.Context(), b.part(), b.target, apply.NewPending())
		if err == nil || !strings.Contains(err.Error(), `Reference to undeclared resource (main.tf:2)`) {
			t.Errorf("error is %v", err)
		}
	})
}

const secret = "s3cr3t-and-long"

// Secret values reach no output: plan, progress, record, binding, log.
func TestSecretsAreMasked(t *testing.T) {
	b := newBench(t, "staging", `
variable "password" { sensitive = true }
variable "fail" { default = false }
resource "terraform_data" "a" {
  input = { password = var.password, user = "jo" }
}
resource "terraform_data" "b" {
  count = var.fail ? 1 : 0
  provisioner "local-exec" {
    command = "echo 'cannot log in with ${nonsensitive(var.password)}' >&2; exit 1"
  }
}
`)
	b.target.Variables = map[string]any{"password": "0ld-" + secret}
	b.apply(true)
	b.target.Variables = map[string]any{"password": secret, "fail": true}
	backend, part := b.backend(), b.part()
	set := b.plan(backend, part)
	fields := set.Items[0].Fields
	if len(fields) == 0 || fields[0].Path != "input" && fields[0].Path != "input.password" || fields[0].After != "(sensitive) (changed)" {
		t.Errorf("fields are %+v, want a masked password", fields)
	}
	shown, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	record := b.record(part)
	failure := backend.Apply(t.Context(), part, b.target, record, b.show)
	if failure == nil || !strings.Contains(failure.Error(), "cannot log in with (sensitive)") {
		t.Errorf("error is %v, want that of the provisioner, masked", failure)
	}
	b.close(backend)
	b.revert(record)
	for what, text := range map[string]string{"plan": string(shown), "progress and record": b.outputs.String(), "error": failure.Error()} {
		if strings.Contains(text, secret) {
			t.Errorf("%s: the secret is in:\n%s", what, text)
		}
	}
	for name, content := range terraformtest.Dump(t, b.home) {
		inState := strings.Contains(name, "/state/")
		if strings.Contains(content, secret) && !inState {
			t.Errorf("%s holds the secret", name)
		}
		if info, err := os.Stat(filepath.Dir(name)); inState && (err != nil || info.Mode().Perm() != 0o700) {
			t.Errorf("the directory of %s: %v, %v, want mode 0700", name, info.Mode(), err)
		}
	}
}

func TestVarFilesAndTheirRevert(t *testing.T) {
	b := newBench(t, "staging", "variable \"size\" {}\nresource \"terraform_data\" \"a\" { input = var.size }\n")
	b.env.Terraform.VarFiles = []string{"size.tfvars"}
	file := map[string]string{"size.tfvars": "size = \"small\"\n"}
	filetest.Into(t, filepath.Dir(b.env.File), file)
	b.apply(true)
	file["size.tfvars"] = "size = \"large\"\n"
	filetest.Into(t, filepath.Dir(b.env.File), file)
	record := b.apply(false)
	if !strings.Contains(b.state(), "large") {
		t.Fatalf("state:\n%s", b.state())
	}
	// What was in force before had the file as it was then.
	if outcome := b.revert(record); len(outcome.Left) > 0 || strings.Contains(b.state(), "large") || !strings.Contains(b.state(), "small") {
		t.Errorf("left: %v; state:\n%s", outcome.Left, b.state())
	}
}

func TestOneCommandOfEachKind(t *testing.T) {
	commands := terraformtest.Counted(t)
	b := newBench(t, "staging", first)
	b.apply(true)
	for _, command := range []string{"init", "plan", "apply"} {
		if n := count(commands(), command); n != 1 {
			t.Errorf("%d times %s, want once", n, command)
		}
	}
}

// A change that is taken back by the process that applied it needs no second init, unless
// what was in force before has other providers, modules or another backend.
func TestRevertNeedsNoSecondInit(t *testing.T) {
	for what, test := range map[string]struct {
		before string
		want   int
	}{
		"nothing before":  {"", 1},
		"other resources": {first + "resource \"terraform_data\" \"z\" {}\n", 1},
		"other needs":     {first + "terraform {\n  required_version = \"> 1.0\"\n}\n", 2},
	} {
		t.Run(what, func(t *testing.T) {
			commands := terraformtest.Counted(t)
			b := newBench(t, "staging", first)
			if test.before != "" {
				b.write(test.before)
				b.apply(true)
			}
			before := count(commands(), "init")
			b.write(first + "resource \"terraform_data\" \"new\" {}\n")
			backend, part := b.backend(), b.part()
			b.plan(backend, part)
			record := b.record(part)
			if err := backend.Apply(t.Context(), part, b.target, record, b.show); err != nil {
				t.Fatal(err)
			}
			if outcome, err := backend.Revert(t.Context(), record, b.show); err != nil || len(outcome.Left) > 0 {
				t.Fatal(outcome, err)
			}
			if strings.Contains(b.state(), `"new"`) || strings.Contains(b.state(), "terraform_data") != (test.before != "") {
				t.Errorf("the state is not as it was:\n%s", b.state())
			}
			if got := count(commands(), "init") - before; got != test.want {
				t.Errorf("%d inits, want %d", got, test.want)
			}
		})
	}
}

func count(commands []string, name string) int {
	n := 0
	for _, c := range commands {
		if c == name {
			n++
		}
	}
	return n
}

// A state that could not be saved is for a person: nothing is taken back, and nothing lost.
func TestRevertLeavesAStateThatCouldNotBeSaved(t *testing.T) {
	broken := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost && broken:
			w.WriteHeader(http.StatusBadRequest)
		case r.Method == http.MethodGet:
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	defer server.Close()
	b := newBench(t, "staging", first+"terraform {\n  backend \"http\" {}\n}\n")
	b.env.Terraform.BackendConfig = map[string]string{"address": server.URL, "retry_max": "0"}
	backend, part := b.backend(), b.part()
	b.plan(backend, part)
	broken = true
	record := b.record(part)
	if err := backend.Apply(t.Context(), part, b.target, record, b.show); err == nil || !strings.Contains(err.Error(), "Terraform could not save its state") {
		t.Errorf("error is %v", err)
	}
	for what, revert := range map[string]func() (apply.Outcome, error){
		"here": func() (apply.Outcome, error) { return backend.Revert(t.Context(), record, b.show) },
		"in a later process": func() (apply.Outcome, error) {
			b.close(backend)
			return b.backend().Revert(t.Context(), b.reread(record), b.show)
		},
	} {
		outcome, err := revert()
		if err != nil || len(outcome.Left) != 1 || !strings.Contains(outcome.Left[0].Why, "terraform state push") || !strings.HasSuffix(outcome.Left[0].Why, "then run the rollback again") {
			t.Errorf("%s: outcome is %+v, %v, want what to do with the state", what, outcome, err)
		}
	}
}

// Should Terraform itself be killed, what it was creating is named, since it may be there.
func TestTerraformIsKilled(t *testing.T) {
	b := newBench(t, "staging", `
resource "terraform_data" "slow" {
  provisioner "local-exec" {
    command = "kill -9 $PPID; sleep 1"
  }
}
`)
	backend, part := b.backend(), b.part()
	b.plan(backend, part)
	record := b.record(part)
	if err := backend.Apply(t.Context(), part, b.target, record, b.show); err == nil || !strings.Contains(err.Error(), "the Terraform at work was killed") {
		t.Errorf("error is %v", err)
	}
	if !record.Terraform.Began || record.Terraform.Ended {
		t.Errorf("record is %+v, want an apply that began and did not end", record.Terraform)
	}
	b.close(backend)
	outcome := b.revert(record)
	if len(outcome.Left) != 1 || outcome.Left[0].Address != "terraform_data.slow" || !strings.Contains(outcome.Left[0].Why, "look whether it is there") {
		t.Errorf("left: %v, want terraform_data.slow", outcome.Left)
	}
}

// helper is set in the process that is killed.
const helper = "STAGEGATE_TEST_KILLED"

// A process killed amid an apply leaves Terraform at work; whoever reverts waits for it,
// and finds everything that it made.
func TestKilledDuringApply(t *testing.T) {
	b := newBench(t, "staging", `
resource "terraform_data" "first" {}
resource "terraform_data" "slow" {
  depends_on = [terraform_data.first]
  provisioner "local-exec" {
    command = "sleep 3"
  }
}
resource "terraform_data" "last" {
  depends_on = [terraform_data.slow]
}
`)
	file := filepath.Join(t.TempDir(), "record.json")
	cmd := exec.Command(os.Args[0], "-test.run", "^TestHelperKilled$", "-test.v")
	cmd.Env = append(os.Environ(), helper+"="+strings.Join([]string{b.home, b.dir, file}, "\n"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(b.home, "staging", "*", "apply.jsonl")
	for deadline := time.Now().Add(time.Minute); !contains(log, "provision_start"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the apply never began")
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	record := &apply.Record{}
	if err := json.Unmarshal(content, record); err != nil {
		t.Fatal(err)
	}
	if !record.Terraform.Began || record.Terraform.Ended || !slices.Contains(record.Terraform.Created, "terraform_data.last") {
		t.Errorf("record is %+v, want an apply that began", record.Terraform)
	}
	outcome := b.revert(record)
	if len(outcome.Left) > 0 || strings.Contains(b.state(), "terraform_data") {
		t.Errorf("left: %v; state:\n%s", outcome.Left, b.state())
	}
	if !contains(log, "apply_complete") || !strings.Contains(b.outputs.String(), "waiting for the Terraform of another run") {
		t.Errorf("the revert did not wait for the Terraform that was at work:\n%s", b.outputs.String())
	}
}

func contains(pattern, text string) bool {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) != 1 {
		return false
	}
	content, err := os.ReadFile(files[0])
	return err == nil && strings.Contains(string(content), text)
}

// TestHelperKilled is the process that is killed.
func TestHelperKilled(t *testing.T) {
	where := strings.Split(os.Getenv(helper), "\n")
	if len(where) != 3 {
		t.Skip("runs only as the child of TestKilledDuringApply")
	}
	b := newBench(t, "staging", "")
	b.home, b.dir = where[0], where[1]
	backend, part := b.backend(), b.part()
	b.plan(backend, part)
	record := apply.NewRecord("killed", 0, part, b.key(), func(r *apply.Record) error {
		content, err := json.Marshal(r)
		if err != nil {
			return err
		}
		return os.WriteFile(where[2], content, 0o600)
	})
	if err := backend.Apply(t.Context(), part, b.target, record, b.show); err != nil {
		t.Fatal(err)
	}
}
