package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/report"
)

// Promote takes the change to env, which comes after others. An environment before it is
// staged first unless a valid record of it exists; env is only touched once each of them
// has a passing, unexpired, correctly signed record for this change, checks and policy.
func (r *Runner) Promote(ctx context.Context, env *config.Environment, ch *change.Change) (*report.Result, error) {
	order, err := r.order(env)
	if err != nil {
		return nil, err
	}
	run, err := r.newRun("promote", env, ch)
	if err != nil {
		return nil, err
	}
	err = run.with(ctx, r.made, func() error { return run.inOrder(ctx, order) }, order...)
	return run.finish(ctx, err)
}

// inOrder takes the change through the environments; the first that does not pass ends it.
func (r *run) inOrder(ctx context.Context, order []*config.Environment) error {
	for i, env := range order {
		last := i == len(order)-1
		if !last {
			if _, err := r.passed(ctx, env, order[len(order)-1]); err == nil {
				continue
			}
		}
		if err := r.gate(ctx, env); err != nil {
			return err
		}
		if r.result.Environments[len(r.result.Environments)-1].Decision.Verdict != gate.Pass {
			return nil
		}
	}
	return nil
}

// order is env after all environments that come before it, the first one first.
func (r *Runner) order(env *config.Environment) ([]*config.Environment, error) {
	var order []*config.Environment
	for _, name := range env.Gate.After {
		before, err := config.Find(r.Environments, name)
		if err != nil {
			return nil, fmt.Errorf("%s: gate.after: %w", env.File, err)
		}
		earlier, err := r.order(before)
		if err != nil {
			return nil, err
		}
		for _, e := range earlier {
			if !slices.Contains(order, e) {
				order = append(order, e)
			}
		}
	}
	return append(order, env), nil
}
