package terraform

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/tree"
	"github.com/stagegate/stagegate/internal/durable"
)

// Binding is everything that a plan rests on. It lies beside the saved plan, and must be
// the same when the plan is applied.
type Binding struct {
	Configuration change.Digest `json:"configuration"`
	Environment   string        `json:"environment"`
	ClusterName   string        `json:"clusterName"`
	Backend       Backend       `json:"backend"`
	State         State         `json:"state"`
	LockFile      change.Digest `json:"lockFile"` // of the dependency lock file
	Variables     change.Digest `json:"variables"`
	Terraform     string        `json:"terraform"` // version
	Plan          string        `json:"plan"`      // SHA-256 of the plan file
}

const bindingSuffix = ".binding.json"

// bind is the binding of now, without a plan file.
func (w *Workspace) bind(state State, g given) (Binding, error) {
	b := Binding{
		Environment: w.options.Environment, ClusterName: w.options.ClusterName,
		Backend: w.backend, State: state, Variables: g.digest(), Terraform: w.Program.Version,
	}
	var err error
	if b.Configuration, err = w.copyDigest(); err != nil {
		return b, err
	}
	b.LockFile, err = w.lockFileDigest()
	return b, err
}

// copyDigest is the digest of the copy that Terraform works in, as it is now, with what was
// added to it: Terraform would read that too.
func (w *Workspace) copyDigest() (change.Digest, error) {
	now := &Config{}
	whole := filepath.Join(w.dir, "configuration")
	files := os.DirFS(whole)
	err := fs.WalkDir(files, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(w.root, filepath.Join(whole, path))
		if err != nil || name == overrideFile || name == LockFile {
			return err
		}
		content, err := fs.ReadFile(files, path)
		now.Files = append(now.Files, tree.File{Name: filepath.ToSlash(name), Content: content})
		return err
	})
	if err != nil {
		return "", fmt.Errorf("reading the copy of the configuration: %w", err)
	}
	return now.Digest(), nil
}

func (w *Workspace) lockFileDigest() (change.Digest, error) {
	content, err := os.ReadFile(filepath.Join(w.root, LockFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil // there are no providers
	}
	if err != nil {
		return "", fmt.Errorf("reading the dependency lock file: %w", err)
	}
	h := change.NewHash("terraform lock file")
	h.Add(LockFile, content)
	return h.Sum(), nil
}

func (b *Binding) save(file string) error {
	var err error
	if b.Plan, err = sumOf(file); err != nil {
		return err
	}
	content, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return durable.Write(file+bindingSuffix, content, 0o600)
}

func sumOf(file string) (string, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading the saved plan: %w", err)
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:]), nil
}

// StaleError says in what a plan no longer fits.
type StaleError struct{ What, Then, Now string }

func (e *StaleError) Error() string {
	return fmt.Sprintf("the plan is stale and was not applied: %s was %s when it was made, and is now %s: plan again", e.What, e.Then, e.Now)
}

// check compares the binding that was saved with the one of now.
func (b Binding) check(now Binding) error {
	for _, f := range []struct{ what, then, now string }{
		{"the plan's file", b.Plan, now.Plan},
		{"the configuration", b.Configuration.Short(), now.Configuration.Short()},
		{"the environment", b.Environment, now.Environment},
		{"the cluster name", b.ClusterName, now.ClusterName},
		{"the backend", b.Backend.String(), now.Backend.String()},
		{"the state", b.State.String(), now.State.String()},
		{"the dependency lock file", b.LockFile.Short(), now.LockFile.Short()},
		{"the digest of the variables", b.Variables.Short(), now.Variables.Short()},
		{"the Terraform version", b.Terraform, now.Terraform},
	} {
		if f.then != f.now {
			return &StaleError{f.what, f.then, f.now}
		}
	}
	return nil
}

func (b Backend) String() string {
	s := b.Type + " " + b.Digest.Short()
	if b.Workspace != "" {
		s += " workspace " + b.Workspace
	}
	return s
}
