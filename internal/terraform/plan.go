package terraform

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/terraform-exec/tfexec"
	tfjson "github.com/hashicorp/terraform-json"
)

// PlanOptions say what is planned; the zero value is the configuration as it is.
type PlanOptions struct {
	Destroy bool
	// Targets are the addresses to which the plan is confined, with what they depend on.
	Targets []string
}

// Plan is a saved plan, and a sidecar file beside it that binds it to its inputs.
type Plan struct {
	*tfjson.Plan
	Binding Binding
	file    string
}

// Plan plans and saves the plan in a file of one's own, which Close removes. The error is
// a *ConditionError where conditions of the configuration do not hold, and a *LockedError
// where another Terraform has the state.
func (w *Workspace) Plan(ctx context.Context, o PlanOptions) (*Plan, error) {
	w.options.Progress.send("%s plan", w.options.Binary)
	given, err := w.given()
	if err != nil {
		return nil, err
	}
	state, err := w.State(ctx)
	if err != nil {
		return nil, err
	}
	w.plans++
	p := &Plan{file: filepath.Join(w.dir, "plans", fmt.Sprintf("plan-%d", w.plans))}
	if err := w.makePlan(ctx, p.file, given, o); err != nil {
		return nil, err
	}
	if err := os.Chmod(p.file, 0o600); err != nil {
		return nil, fmt.Errorf("keeping the plan to oneself: %w", err)
	}
	if p.Plan, err = w.tf.ShowPlanFile(ctx, p.file); err != nil {
		return nil, fmt.Errorf("reading the plan: %w", w.ended(ctx, err))
	}
	w.secrets.addPlan(p.Plan)
	if n := len(p.DeferredChanges); n > 0 {
		return nil, fmt.Errorf("the plan is incomplete: %d changes are deferred, so what they do cannot be told: apply what they depend on first", n)
	}
	if p.Binding, err = w.bind(state, given); err != nil {
		return nil, err
	}
	return p, p.Binding.save(p.file)
}

func (w *Workspace) makePlan(ctx context.Context, file string, g given, o PlanOptions) error {
	files, remove, err := w.hand(g)
	defer remove()
	if err != nil {
		return err
	}
	options := []tfexec.PlanOption{tfexec.Out(file), tfexec.LockTimeout(w.options.LockTimeout.String()), tfexec.Destroy(o.Destroy)}
	for _, f := range files {
		options = append(options, tfexec.VarFile(f))
	}
	for _, target := range o.Targets {
		options = append(options, tfexec.Target(target))
	}
	l := &listener{workspace: w}
	defer w.tf.SetStdout(nil)
	if _, err := w.tf.PlanJSON(ctx, l, options...); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return l.failed(err)
	}
	return nil
}

// Redact takes every sensitive value that has been seen out of a text.
func (w *Workspace) Redact(text string) string { return w.secrets.redact(text) }

// Empty is true for a plan that changes nothing, outputs included.
func (p *Plan) Empty() bool {
	for _, r := range p.ResourceChanges {
		if r.Change != nil && !r.Change.Actions.NoOp() && !r.Change.Actions.Read() {
			return false
		}
	}
	for _, c := range p.OutputChanges {
		if c != nil && !c.Actions.NoOp() {
			return false
		}
	}
	return true
}

// discard removes a plan's files.
func (p *Plan) discard() error {
	return errors.Join(os.RemoveAll(p.file), os.RemoveAll(p.file+bindingSuffix))
}
