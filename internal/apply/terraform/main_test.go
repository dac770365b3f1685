package terraform_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/apply/terraform"
	"github.com/stagegate/stagegate/internal/change"
	loader "github.com/stagegate/stagegate/internal/change/terraform"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/filetest"
	"github.com/stagegate/stagegate/internal/terraform/terraformtest"
)

// bench is one environment with a state directory of its own, and a configuration.
type bench struct {
	t       testing.TB
	home    string
	dir     string
	target  change.Target
	cluster string // its UID
	env     *config.Environment
	runs    int
	outputs strings.Builder // everything that was shown
}

func newBench(t testing.TB, environment, main string) *bench {
	t.Helper()
	terraformtest.Need(t)
	env := config.Default(environment)
	env.File = filepath.Join(t.TempDir(), "staging.yaml")
	b := &bench{t: t, home: t.TempDir(), dir: filepath.Join(t.TempDir(), "infra"), env: env, target: change.Target{ClusterName: environment}}
	b.write(main)
	return b
}

func (b *bench) write(main string) {
	b.t.Helper()
	filetest.Into(b.t, b.dir, map[string]string{"main.tf": "variable \"cluster_name\" {}\n" + main})
}

func (b *bench) part() change.Part {
	b.t.Helper()
	p, err := loader.Loader{}.Load(b.t.Context(), change.Source{Path: b.dir})
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// backend is a new one, as a new process has it.
func (b *bench) backend() *terraform.Backend {
	b.t.Helper()
	backend := terraform.New(terraform.Options{Home: b.home, Cache: filepath.Join(b.home, "cache"), Environment: b.env, ClusterUID: b.cluster})
	backend.Report(b.show)
	b.t.Cleanup(func() { b.close(backend) })
	return backend
}

func (b *bench) show(e apply.Event) { b.outputs.WriteString(e.Detail + "\n") }

// record is that of a new run, kept as JSON.
func (b *bench) record(part change.Part) *apply.Record {
	b.t.Helper()
	b.runs++
	return apply.NewRecord("run-"+string(rune('0'+b.runs)), 0, part, b.key(), func(*apply.Record) error { return nil })
}

func (b *bench) key() []byte { return []byte(strings.Repeat("k", 32)) }

// reread is the record as a later process has it.
func (b *bench) reread(r *apply.Record) *apply.Record {
	b.t.Helper()
	content, err := json.Marshal(r)
	if err != nil {
		b.t.Fatal(err)
	}
	b.outputs.Write(content)
	again := &apply.Record{}
	if err := json.Unmarshal(content, again); err != nil {
		b.t.Fatal(err)
	}
	again.Resume(b.key(), func(*apply.Record) error { return nil })
	return again
}

// apply plans and applies what there is, and commits it where it is to stay.
func (b *bench) apply(commit bool) *apply.Record {
	b.t.Helper()
	backend, part := b.backend(), b.part()
	b.plan(backend, part)
	record := b.record(part)
	if err := backend.Apply(b.t.Context(), part, b.target, record, b.show); err != nil {
		b.t.Fatal(err)
	}
	if commit {
		if err := backend.Commit(b.t.Context(), record); err != nil {
			b.t.Fatal(err)
		}
	}
	b.close(backend)
	return record
}

// close ends what a process has open.
func (b *bench) close(backend *terraform.Backend) {
	b.t.Helper()
	if err := backend.Close(context.WithoutCancel(b.t.Context())); err != nil {
		b.t.Error(err)
	}
}

func (b *bench) plan(backend *terraform.Backend, part change.Part) change.Set {
	b.t.Helper()
	set, err := backend.Plan(b.t.Context(), part, b.target, apply.NewPending())
	if err != nil {
		b.t.Fatal(err)
	}
	return set
}

// actions are what a plan of what there is would do, by address.
func (b *bench) actions() map[string]change.Action {
	b.t.Helper()
	backend := b.backend()
	all := map[string]change.Action{}
	for _, i := range b.plan(backend, b.part()).Items {
		all[i.Address] = i.Action
	}
	b.close(backend)
	return all
}

// revert takes a run back in a new process.
func (b *bench) revert(r *apply.Record) apply.Outcome {
	b.t.Helper()
	backend := b.backend()
	outcome, err := backend.Revert(b.t.Context(), b.reread(r), b.show)
	if err != nil {
		b.t.Fatal(err)
	}
	b.close(backend)
	return outcome
}

// state is the content of the environment's state file.
func (b *bench) state() string {
	b.t.Helper()
	files, err := filepath.Glob(filepath.Join(b.home, b.env.Name, "*", "state", "terraform.tfstate"))
	if err != nil || len(files) != 1 {
		b.t.Fatalf("state files are %v, %v, want one", files, err)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		b.t.Fatal(err)
	}
	return string(content)
}
