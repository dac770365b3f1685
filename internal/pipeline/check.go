package pipeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/validate"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/progress"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/report"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// Check models what the change would do to reachability in a state that was read before,
// and mutates nothing. A check certifies nothing: its grade is always modelled.
type Check struct {
	Environment *config.Environment // its variables, checks and policy
	State       *snapshot.Snapshot
	// StateName says where the state comes from, for the report.
	StateName string
	Target    change.Target
}

// Check runs a check and returns its result.
func (r *Runner) Check(ctx context.Context, c Check, ch *change.Change) (*report.Result, error) {
	result := &report.Result{Command: "check", Started: r.Now().UTC(), Change: Describe(ch)}
	out, err := r.check(ctx, c, ch)
	if err != nil {
		return nil, err
	}
	result.Environments = []report.Environment{*out}
	result.Verdict = out.Decision.Verdict
	result.Duration = r.Now().Sub(result.Started)
	result.ExitCode = exitCode(result, false, func(string) bool { return false })
	result.Next = nextSteps(result, nil)
	return result, nil
}

func (r *Runner) check(ctx context.Context, c Check, ch *change.Change) (*report.Environment, error) {
	c.Target.Known = c.State
	run := &run{Runner: r, change: ch, result: &report.Result{}}
	s := &session{run: run, env: c.Environment, target: c.Target, out: &report.Environment{
		Name: c.Environment.Name, ClusterName: c.Environment.ClusterName, Untouched: true,
	}}
	checks, err := c.Environment.LoadChecks()
	if err != nil {
		return nil, err
	}
	var changed []snapshot.Object
	err = errors.Join(err, s.step(ctx, "render", func(ctx context.Context, _ *progress.Step) (string, error) {
		changed, err = render(ctx, ch, c)
		return fmt.Sprintf("%d objects", len(changed)), err
	}))
	if err != nil {
		return nil, err
	}
	s.out.Plan = apply.PlanOffline(c.State, ch.Name, changed)
	err = s.step(ctx, "model", func(ctx context.Context, _ *progress.Step) (string, error) {
		return s.modelDifference(ctx, c, checks, changed)
	})
	if err != nil {
		return nil, err
	}
	policy := c.Environment.Gate
	policy.MinimumGrade = reach.Modelled
	s.env = &config.Environment{Name: c.Environment.Name, Gate: policy}
	s.decide()
	return s.out, nil
}

// modelDifference evaluates the state without and with the change. Both times what runs
// is derived alike, so that the change alone makes the difference.
func (s *session) modelDifference(ctx context.Context, c Check, checks config.Checks, changed []snapshot.Object) (string, error) {
	before, baseline, err := Model(ctx, c.State.Overlay(), checks)
	if err != nil {
		return "", fmt.Errorf("modelling %s: %w", c.StateName, err)
	}
	after, matrix, err := Model(ctx, c.State.Overlay(changed...), checks)
	if err != nil {
		return "", fmt.Errorf("modelling %s with the change: %w", c.StateName, err)
	}
	s.findings = gate.Findings{Expectations: merge(before, after), Baseline: baseline, After: matrix}
	s.out.Baseline, s.out.Grade = baseline, matrix.Grade
	return fmt.Sprintf("%s: %d objects; %s", c.StateName, c.State.Len(), tally(matrix)), nil
}

// render renders the change and validates what comes out.
func render(ctx context.Context, ch *change.Change, c Check) ([]snapshot.Object, error) {
	objects, err := renderParts(ctx, ch, c.Target)
	if err != nil {
		return nil, err
	}
	if _, err := snapshot.New(objects...); err != nil {
		return nil, err
	}
	return objects, errors.Join(validate.Objects(objects, c.State)...)
}
