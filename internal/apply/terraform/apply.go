package terraform

import (
	"context"
	"errors"
	"fmt"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/terraform"
)

// Apply applies the plan that Plan has saved, if everything is as it was then; it is an
// *apply.RefusedError where it is not, and nothing was touched. Checks of the configuration
// that fail afterwards are an *apply.CheckError.
func (b *Backend) Apply(ctx context.Context, part change.Part, target change.Target, record *apply.Record, progress apply.Progress) error {
	b.progress = progress
	j, err := b.planned(ctx, part, target)
	if err != nil {
		return err
	}
	if len(j.set.Failures) > 0 {
		return &apply.RefusedError{Failures: j.set.Failures}
	}
	if err := b.begin(j, target, record); err != nil {
		return err
	}
	err = j.workspace.Apply(ctx, j.plan, func() error {
		record.Terraform.Began = true
		return record.Save()
	})
	var stale *terraform.StaleError
	if errors.As(err, &stale) {
		return &apply.RefusedError{Failures: []string{part.Name() + ": " + stale.Error()}}
	}
	record.Terraform.Ended = !errors.Is(err, terraform.ErrKilled)
	if err = errors.Join(err, record.Save()); err != nil {
		return err
	}
	return b.verifyChecks(ctx, j)
}

// planned is the job of a part, planned now where Plan was not called.
func (b *Backend) planned(ctx context.Context, part change.Part, target change.Target) (*job, error) {
	j, err := b.open(ctx, part, target)
	if err != nil || j.plan != nil || len(j.set.Failures) > 0 {
		return j, err
	}
	return j, b.plan(ctx, j)
}

// begin records all that a revert needs, before anything is touched.
func (b *Backend) begin(j *job, target change.Target, record *apply.Record) error {
	if err := j.config.Keep(j.workspace.Dir()); err != nil {
		return fmt.Errorf("keeping the configuration: %w", err)
	}
	previous, err := readCommitted(j.workspace.Dir(), b.options.ClusterUID)
	if err != nil {
		return err
	}
	files, err := b.varFiles()()
	if err != nil {
		return err
	}
	sealed, err := record.SealInputs(inputs{target.ClusterName, target.Variables, files})
	if err != nil {
		return err
	}
	state := j.plan.Binding.State
	record.Terraform = &apply.Terraform{
		Key: j.key, Previous: previous, Lineage: state.Lineage, Serial: state.Serial,
		Applied: apply.TerraformVersion{RunID: record.RunID, Cluster: b.options.ClusterUID, Configuration: j.config.Digest(), Inputs: sealed},
	}
	note(record.Terraform, j.plan.Plan)
	return record.Save()
}

// note records what the plan does to each address.
func note(t *apply.Terraform, plan *tfjson.Plan) {
	for _, r := range managed(plan) {
		switch action := actionOf(r.Change.Actions); {
		case r.Change.Actions.Forget():
			t.Forgotten = append(t.Forgotten, r.Address)
		case action == change.Create:
			t.Created = append(t.Created, r.Address)
		case action != change.Keep:
			t.Changed = append(t.Changed, r.Address)
		}
	}
}

// verifyChecks finds the check blocks, and conditions, that fail now.
func (b *Backend) verifyChecks(ctx context.Context, j *job) error {
	if len(j.plan.Checks) == 0 {
		return nil
	}
	state, err := j.workspace.Show(ctx)
	if err != nil {
		return err
	}
	if failures := failed(state.Checks, j.workspace.Redact); len(failures) > 0 {
		return &apply.CheckError{Failures: failures}
	}
	return nil
}

// failed are the checks that do not hold. One that could not be evaluated does not hold either.
func failed(checks []tfjson.CheckResultStatic, redact func(string) string) []string {
	var failures []string
	for _, c := range checks {
		if c.Status == tfjson.CheckStatusPass {
			continue
		}
		found := false
		for _, instance := range c.Instances {
			for _, p := range instance.Problems {
				found = true
				failures = append(failures, fmt.Sprintf("%s does not hold: %s", instance.Address.ToDisplay, redact(p.Message)))
			}
		}
		if !found && len(c.Instances) > 0 {
			failures = append(failures, fmt.Sprintf("%s could not be evaluated (%s)", c.Address.ToDisplay, c.Status))
		}
	}
	return failures
}
