package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/lock"
	"github.com/stagegate/stagegate/internal/progress"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/report"
)

// revert takes back what was applied, last part first, and probes again: the baseline
// must be back. "Everything created is deleted" does not mean "restored". A disposable
// environment that stays dirty is thrown away and made anew. An interrupt does not end it.
func (s *session) revert(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	err := s.restore(ctx)
	problem := s.renewIfDirty(ctx)
	if s.out.Reverted.Recreated {
		err = nil // what could not be taken back went with the cluster; its step tells of it
	}
	err = errors.Join(err, problem)
	if unfinished(s.out) {
		return err
	}
	return errors.Join(err, s.keep(noteRestored, nil))
}

// restore reverts and re-probes, and notes whether all is as it was.
func (s *session) restore(ctx context.Context) error {
	s.out.Reverted = &report.Revert{}
	failed := s.step(ctx, "revert", s.takeBack)
	var finding notBack
	if err := s.step(ctx, "re-probe", s.reprobe); !errors.As(err, &finding) {
		failed = errors.Join(failed, err)
	}
	s.out.Reverted.Restored = failed == nil && len(s.out.Reverted.Missing) == 0 && len(s.out.Reverted.Left) == 0
	return failed
}

func (s *session) takeBack(ctx context.Context, step *progress.Step) (string, error) {
	var errs []error
	for i := len(s.records) - 1; i >= 0; i-- {
		record := s.records[i]
		record.Relate(s.records...)
		backend, err := s.backend(record.Kind, record.Part)
		if err == nil {
			err = s.lock.Held(ctx)
		}
		if err == nil {
			var outcome apply.Outcome
			outcome, err = backend.Revert(ctx, record, show(step))
			s.out.Reverted.Left = append(s.out.Reverted.Left, outcome.Left...)
			s.out.Reverted.Kept = append(s.out.Reverted.Kept, outcome.Kept...)
		}
		if err != nil && record.Kind == change.Terraform {
			s.out.Reverted.Left = append(s.out.Reverted.Left, report.Left{Address: record.Part, Why: err.Error()})
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("reverting %s %s: %w", record.Kind, record.Part, err))
		}
	}
	return fmt.Sprintf("%d left, %d kept", len(s.out.Reverted.Left), len(s.out.Reverted.Kept)), errors.Join(errs...)
}

// freshener is a prober that can start anew, from pods that did not live through the change.
type freshener interface {
	Fresh(ctx context.Context) error
}

func (s *session) reprobe(ctx context.Context, step *progress.Step) (string, error) {
	if f, ok := s.prober.(freshener); ok {
		if err := f.Fresh(ctx); err != nil {
			return "", err
		}
	}
	back := func(r round) bool { return len(s.missing(r.matrix)) == 0 }
	_, matrix, err := s.settle(ctx, step, back)
	if err != nil {
		return "", err
	}
	s.out.Reverted.Missing = s.missing(matrix)
	if n := len(s.out.Reverted.Missing); n > 0 {
		return "", notBack(counted(n, "edge") + " of the baseline did not come back")
	}
	return "the baseline is back: " + tally(matrix), nil
}

// notBack fails the step that looks whether the baseline is back. It is a finding, not an
// error of the tool's own.
type notBack string

func (n notBack) Error() string { return string(n) }

// missing are the edges that the baseline could reach and a later matrix cannot, but for
// those that are declared to be closed.
func (s *session) missing(now reach.Matrix) []reach.Change {
	closed := map[reach.Edge]bool{}
	for _, e := range s.findings.Expectations {
		closed[e.Edge] = e.Want == reach.Unreachable
	}
	d := reach.Compare(s.findings.Baseline, now)
	lost := d.Lost
	for _, c := range append(d.Gone, d.Unclear...) {
		if c.Before == reach.Reachable {
			lost = append(lost, c)
		}
	}
	return slices.DeleteFunc(lost, func(c reach.Change) bool { return closed[c.Edge] && c.After == reach.Unreachable })
}

func (s *session) renewIfDirty(ctx context.Context) error {
	if s.out.Reverted.Restored || !s.cluster.Disposable || s.env.IsProduction() {
		return nil
	}
	if s.out.Reverted.Outside() {
		s.Progress.Note("%s: the cluster is not made anew: what is left lies outside it", s.env.Name)
		return nil
	}
	provider, err := s.Provider(s.env)
	if err != nil {
		return err
	}
	destroyer, ok := provider.(cluster.Destroyer)
	if !ok {
		return nil
	}
	return s.step(ctx, "renew", func(ctx context.Context, step *progress.Step) (string, error) {
		if err := s.renew(ctx, destroyer, step); err != nil {
			return "", err
		}
		s.out.Reverted.Recreated = true
		return "the environment stayed dirty: thrown away and made anew", nil
	})
}

// renew destroys the cluster, however broken it is: what cannot be given back goes with it.
// Only where the lock went to another run it is left alone.
func (s *session) renew(ctx context.Context, destroyer cluster.Destroyer, step *progress.Step) error {
	if err := s.lock.Held(ctx); errors.Is(err, lock.ErrLost) {
		return err
	} else if err != nil {
		step.Update("%v", err)
	}
	for _, give := range []func(context.Context) error{s.prober.Close, s.cluster.Release} {
		if err := give(ctx); err != nil {
			step.Update("%v", err)
		}
	}
	if err := destroyer.Destroy(ctx, s.env.ClusterName, step.Update); err != nil {
		return err
	}
	s.prober, s.lock, s.cluster = nil, nil, nil
	renewed, err := s.EnsureCluster(ctx, s.env, false, step.Update)
	if err != nil {
		return err
	}
	s.cluster = renewed
	return nil
}
