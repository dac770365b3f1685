package terraform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hashicorp/terraform-exec/tfexec"
	tfjson "github.com/hashicorp/terraform-json"
)

// State is the identity of a state at one time; the zero value is that of none.
type State struct {
	Lineage string `json:"lineage,omitempty"`
	Serial  uint64 `json:"serial,omitempty"`
}

func (s State) String() string {
	if s.Lineage == "" {
		return "no state"
	}
	return fmt.Sprintf("serial %d of lineage %s", s.Serial, s.Lineage)
}

// State reads lineage and serial from the backend. What is sensitive in the state is not
// shown from then on; nor is it left in the log of a process that was killed.
func (w *Workspace) State(ctx context.Context) (State, error) {
	var s rawState
	content, err := w.tf.StatePull(ctx)
	if err != nil {
		return State{}, fmt.Errorf("reading the state: %w", w.ended(ctx, err))
	}
	if content != "" {
		if err := json.Unmarshal([]byte(content), &s); err != nil {
			return State{}, fmt.Errorf("reading the state: %w", err)
		}
	}
	w.secrets.addState(s)
	return s.State, w.redactLog()
}

// Show reads the whole state, with sensitive values in the clear.
func (w *Workspace) Show(ctx context.Context) (*tfjson.State, error) {
	s, err := w.tf.Show(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the state: %w", w.ended(ctx, err))
	}
	return s, nil
}

// Addresses are those of the managed resources in the state, in order.
func (w *Workspace) Addresses(ctx context.Context) ([]string, error) {
	state, err := w.Show(ctx)
	if err != nil || state.Values == nil {
		return nil, err
	}
	all := addresses(state.Values.RootModule)
	slices.Sort(all)
	return all, nil
}

func addresses(m *tfjson.StateModule) []string {
	if m == nil {
		return nil
	}
	var all []string
	for _, r := range m.Resources {
		if r.Mode == tfjson.ManagedResourceMode {
			all = append(all, r.Address)
		}
	}
	for _, child := range m.ChildModules {
		all = append(all, addresses(child)...)
	}
	return all
}

// Outputs reads the outputs of the root module, sensitive ones included.
func (w *Workspace) Outputs(ctx context.Context) (map[string]tfexec.OutputMeta, error) {
	out, err := w.tf.Output(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the outputs: %w", w.ended(ctx, err))
	}
	return out, nil
}

// ended prefers the reason for which a command was called off.
func (w *Workspace) ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return w.explain(err)
}

// ErroredError is that of a state that Terraform could not save.
type ErroredError struct {
	File string // where it is kept
	push string // what a person types to put it where it belongs
}

func (e *ErroredError) Error() string {
	return fmt.Sprintf("Terraform could not save its state; it is kept in %s, and nothing more is done until it is where it belongs: when the backend can be written again, run \"%s\", then remove the file",
		e.File, e.push)
}

const erroredState = "errored.tfstate"

// keepErrored moves a state that could not be saved to where no later run overwrites it.
func (w *Workspace) keepErrored() error {
	var found []string
	err := filepath.WalkDir(filepath.Join(w.dir, "configuration"), func(path string, e os.DirEntry, err error) error {
		if err == nil && e.Name() == erroredState {
			found = append(found, path)
		}
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("looking for a state that could not be saved: %w", err)
	}
	for _, file := range found {
		kept := filepath.Join(w.dir, "errored", time.Now().UTC().Format("20060102-150405.000-")+erroredState)
		if err := os.MkdirAll(filepath.Dir(kept), 0o700); err != nil {
			return fmt.Errorf("keeping %s: %w", file, err)
		}
		if err := os.Rename(file, kept); err != nil {
			return fmt.Errorf("keeping %s: %w", file, err)
		}
	}
	return nil
}

// Unsaved is an *ErroredError where a state is left that could not be saved: nothing more
// must be done before someone has dealt with it.
func (w *Workspace) Unsaved() error {
	if err := w.keepErrored(); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(w.dir, "errored", "*"+erroredState))
	if err != nil || len(files) == 0 {
		return err
	}
	file := files[len(files)-1]
	return &ErroredError{File: file, push: w.Instruction("state", "push", file)}
}
