package terraform

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stagegate/stagegate/internal/change/tree"
	"github.com/stagegate/stagegate/internal/filetest"
	"github.com/stagegate/stagegate/internal/terraform/terraformtest"
)

// Whatever a plan rests on may move until it is applied; then it is refused.
func TestEverythingIsBound(t *testing.T) {
	terraformtest.Need(t)
	dir := filetest.Into(t, t.TempDir(), map[string]string{"main.tf": "variable \"cluster_name\" {}\nvariable \"size\" {\n  default = 1\n}\nresource \"terraform_data\" \"a\" {}\n"})
	config, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string) func(*testing.T, *Workspace) {
		return func(t *testing.T, w *Workspace) {
			filetest.Into(t, w.root, map[string]string{name: "# another\n"})
		}
	}
	file := "size = 2\n"
	for what, move := range map[string]func(*testing.T, *Workspace){
		"the configuration":        write("main.tf"),
		"an added file":            write("extra.tf"),
		"the dependency lock file": write(LockFile),
		"the environment":          func(_ *testing.T, w *Workspace) { w.options.Environment = "production" },
		"the cluster name":         func(_ *testing.T, w *Workspace) { w.options.ClusterName = "production" },
		"the backend":              func(_ *testing.T, w *Workspace) { w.backend.Digest = "another" },
		"the workspace":            func(_ *testing.T, w *Workspace) { w.backend.Workspace = "another" },
		"a variable":               func(_ *testing.T, w *Workspace) { w.options.Variables = map[string]any{"size": 3} },
		"a file of variables":      func(*testing.T, *Workspace) { file = "size = 3\n" },
		"the Terraform version":    func(_ *testing.T, w *Workspace) { w.Program.Version = "0.0.1" },
		"the plan's file": func(t *testing.T, w *Workspace) {
			if err := os.WriteFile(filepath.Join(w.dir, "plans", "plan-1"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"nothing": nil,
	} {
		t.Run(what, func(t *testing.T) {
			file = "size = 2\n"
			home := t.TempDir()
			w, err := Open(t.Context(), config, Options{
				Home: home, Cache: filepath.Join(home, "cache"), Environment: "staging", ClusterName: "staging",
				VarFiles: func() ([]tree.File, error) { return []tree.File{{Name: "a.tfvars", Content: []byte(file)}}, nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			p, err := w.Plan(t.Context(), PlanOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if move != nil {
				move(t, w)
			}
			began := false
			err = w.Apply(t.Context(), p, func() error { began = true; return nil })
			var stale *StaleError
			if errors.As(err, &stale) != (move != nil) || began != (move == nil) {
				t.Errorf("error is %v, begun is %v", err, began)
			}
		})
	}
}

func TestRedact(t *testing.T) {
	s := &secrets{}
	for name, value := range map[string]string{
		"secret_key": "aws-secret", "conn_str": "postgres://jo:pg-secret@db/states", "address": "https://jo:http-secret@states.example/x",
		"key": "staging.tfstate", "bucket": "states", "region": "eu-central-1",
	} {
		s.addSetting(name, value)
	}
	const text = "aws-secret pg-secret http-secret staging.tfstate states eu-central-1"
	if got, want := s.redact(text), "(sensitive) (sensitive) (sensitive) staging.tfstate states eu-central-1"; got != want {
		t.Errorf("redacted to %s, want %s", got, want)
	}
	s.add("two  words\nand \"more\"")
	s.add(1234567890.0)
	const shown = `two words and "more"; two  words; and \"more\"; 1234567890`
	if got, want := s.redact(shown), "(sensitive); (sensitive); (sensitive); (sensitive)"; got != want {
		t.Errorf("redacted to %s, want %s", got, want)
	}
}
