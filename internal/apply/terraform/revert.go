package terraform

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change/tree"
	"github.com/stagegate/stagegate/internal/report"
	"github.com/stagegate/stagegate/internal/terraform"
)

// Revert plans and applies the configuration that was committed last. Where none was, it
// destroys exactly what the part created. What must not go on the way is left, with the
// reason; see objection.
func (b *Backend) Revert(ctx context.Context, record *apply.Record, progress apply.Progress) (apply.Outcome, error) {
	b.progress = progress
	t := record.Terraform
	if t == nil || !t.Began {
		return apply.Outcome{}, nil
	}
	r := &reversion{Backend: b, record: record, Terraform: t, dir: b.directory(t)}
	err := r.run(ctx)
	if r.opened != nil {
		err = errors.Join(err, r.opened.Close())
	}
	var errored *terraform.ErroredError
	var locked *terraform.LockedError
	if errors.As(err, &errored) || errors.As(err, &locked) {
		r.leave("the state of "+record.Part, err.Error()+"; then run the rollback again")
		err = nil
	}
	return r.outcome, err
}

// reversion is one run of Revert.
type reversion struct {
	*Backend
	*apply.Terraform
	record    *apply.Record
	dir       string
	workspace *terraform.Workspace
	opened    *terraform.Workspace // the same, where it was opened for this; to be closed
	outcome   apply.Outcome
}

func (r *reversion) leave(address, why string) {
	r.outcome.Left = append(r.outcome.Left, report.Left{Address: address, Why: why})
}

func (r *reversion) run(ctx context.Context) error {
	committed, err := readCommitted(r.dir, r.options.ClusterUID)
	if err != nil {
		return err
	}
	if committed != nil && committed.RunID != r.record.RunID && (r.Previous == nil || committed.RunID != r.Previous.RunID) {
		r.leave(r.record.Part, fmt.Sprintf("run %s has applied a later change to it: roll that one back first", committed.RunID))
		return nil
	}
	if err := r.openThen(ctx); err != nil {
		return err
	}
	if err := r.takeBack(ctx); err != nil || !r.outcome.Complete() {
		return err
	}
	return writeCommitted(r.dir, r.Previous)
}

// openThen opens the configuration to go back to or, where there is none, the one that was
// applied. What this process has open of it goes on, and needs no other init as a rule.
func (r *reversion) openThen(ctx context.Context) error {
	v := r.Applied
	if r.Previous != nil {
		v = *r.Previous
	}
	config, o, err := r.version(v)
	if err != nil {
		return err
	}
	for _, j := range r.jobs {
		if j.key == r.Key {
			r.workspace = j.workspace
			return r.workspace.Switch(ctx, config, o)
		}
	}
	if r.opened, err = terraform.Open(ctx, config, o); err != nil {
		return err
	}
	r.workspace = r.opened
	return nil
}

// version is a configuration that was kept, with what it was given then.
func (r *reversion) version(v apply.TerraformVersion) (*terraform.Config, terraform.Options, error) {
	var given inputs
	if err := r.record.OpenInputs(v.Inputs, &given); err != nil {
		return nil, terraform.Options{}, err
	}
	config, err := terraform.Kept(r.dir, v.Configuration, r.record.Part)
	files := func() ([]tree.File, error) { return given.Files, nil }
	return config, r.runOptions(r.Key, given, files), err
}

// takeBack puts back what was in force, unless the state never moved.
func (r *reversion) takeBack(ctx context.Context) error {
	state, err := r.workspace.State(ctx)
	if err != nil {
		return err
	}
	if err := r.leaveUnfinished(ctx); err != nil {
		return err
	}
	if state == (terraform.State{Lineage: r.Lineage, Serial: r.Serial}) {
		return nil
	}
	if r.Previous != nil {
		return r.carryOut(ctx, terraform.PlanOptions{})
	}
	for _, address := range r.Changed {
		r.leave(address, "it was there before this change, and no configuration is recorded that made it: apply the configuration that was in force before, from your version control")
	}
	present, err := r.workspace.Addresses(ctx)
	if err != nil {
		return err
	}
	for _, address := range r.Forgotten {
		if !slices.Contains(present, address) {
			r.leave(address, "the change has made Terraform forget it, and no configuration is recorded that made it: import it again with the configuration that was in force before, from your version control")
		}
	}
	var created []string
	for _, address := range r.Created {
		if slices.Contains(present, address) {
			created = append(created, address)
		}
	}
	if len(created) == 0 {
		return nil
	}
	return r.carryOut(ctx, terraform.PlanOptions{Destroy: true, Targets: created})
}

// carryOut plans, and applies the plan unless it destroys what must not be destroyed.
func (r *reversion) carryOut(ctx context.Context, o terraform.PlanOptions) error {
	plan, err := r.workspace.Plan(ctx, o)
	if err != nil {
		return err
	}
	if refused := r.refuse(plan.Plan); len(refused) > 0 {
		r.outcome.Left = append(r.outcome.Left, refused...)
		return nil
	}
	if plan.Empty() {
		return nil
	}
	return r.workspace.Apply(ctx, plan, func() error { return nil })
}

// leaveUnfinished names what a Terraform that was killed had begun to create and has not
// noted in the state: whether it is there is not known.
func (r *reversion) leaveUnfinished(ctx context.Context) error {
	if r.Ended {
		return nil
	}
	unfinished, err := r.workspace.Unfinished()
	if err != nil || len(unfinished) == 0 {
		return err
	}
	present, err := r.workspace.Addresses(ctx)
	if err != nil {
		return err
	}
	for _, address := range unfinished {
		if slices.Contains(r.Created, address) && !slices.Contains(present, address) {
			r.leave(address, "Terraform was killed while it created this, before it could note it in the state: look whether it is there, and delete it by hand")
		}
	}
	return nil
}
