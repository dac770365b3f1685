package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/journal"
	"github.com/stagegate/stagegate/internal/lock"
	"github.com/stagegate/stagegate/internal/report"
)

// Resume goes on with a run that died or ended in an error, to where it would have come
// undisturbed. What was decided is not decided again: it is carried through. What was
// applied without a decision is taken back first, since nobody watched it meanwhile.
func (r *Runner) Resume(ctx context.Context, env *config.Environment, runID string, ch *change.Change) (*report.Result, error) {
	order, err := r.order(env)
	if err != nil {
		return nil, err
	}
	run, err := r.reopen(runID, ch)
	if err != nil {
		return nil, err
	}
	err = run.with(ctx, r.made, func() error { return run.goOn(ctx, order) }, order...)
	return run.finish(ctx, err)
}

// reopen opens the journal of a run, which no other process may have open.
func (r *Runner) reopen(runID string, ch *change.Change) (*run, error) {
	given, digest, err := ReadGiven(r.Home, runID)
	if err != nil {
		return nil, err
	}
	if digest != ch.Digest() {
		return nil, fmt.Errorf("the change is no longer what run %s began with (digest %s, then %s): put it back as it was, or take the run back: stagegate rollback %s --cluster-name NAME",
			runID, ch.Digest().Short(), digest.Short(), runID)
	}
	dir, err := runDir(r.Home, runID)
	if err != nil {
		return nil, err
	}
	result, err := readResult(r.Home, runID)
	switch {
	case errors.Is(err, fs.ErrNotExist): // nothing was touched yet
		result = &report.Result{RunID: runID, Command: given.Command, Started: r.Now().UTC(), Change: Describe(ch)}
	case err != nil:
		return nil, err
	}
	j, err := journal.Open(journalFile(dir))
	if err != nil {
		return nil, err
	}
	entries := j.Entries()
	if last := entries[len(entries)-1]; last.Step == noteEnded && result.Error == "" {
		return nil, errors.Join(fmt.Errorf("run %s has ended (%s, exit %d): there is nothing to go on with; stagegate history %s shows it",
			runID, result.Verdict, result.ExitCode, runID), j.Close())
	}
	result.Error, result.Next = "", nil
	result.Environments = slices.Grow(result.Environments, len(r.Environments)) // see newRun
	return &run{Runner: r, change: ch, dir: dir, result: result, journal: j}, nil
}

// goOn brings the environment that the run was in to an end, and goes on from there.
func (r *run) goOn(ctx context.Context, order []*config.Environment) error {
	for _, env := range order {
		came, err := r.came(env.Name)
		if err != nil {
			return err
		}
		switch {
		case came.attested:
			err = r.unlock(ctx, env)
		case came.decided || came.applying:
			err = r.pickUp(ctx, env, came)
			came.attested = came.decided
		}
		if err != nil {
			return err
		}
		e, last := r.environment(env.Name), env == order[len(order)-1]
		if e != nil && (unfinished(e) || came.attested && (last || e.Decision.Verdict != gate.Pass)) {
			return nil
		}
	}
	return r.inOrder(ctx, order)
}

// unlock gives up the lock of an environment where all is done, since an earlier process
// may have died before it did.
func (r *run) unlock(ctx context.Context, env *config.Environment) error {
	err := lock.Break(ctx, r.clusters[env.Name].cluster, env.Name, r.result.RunID)
	if errors.Is(err, lock.ErrNotHeld) || errors.As(err, new(*lock.Held)) {
		return nil
	}
	return err
}

// unfinished is true where something of the change is left, so that it cannot be tried again.
func unfinished(e *report.Environment) bool {
	return e.Reverted != nil && !e.Reverted.Done()
}

func (r *run) environment(name string) *report.Environment {
	i := slices.IndexFunc(r.result.Environments, func(e report.Environment) bool { return e.Name == name })
	if i < 0 {
		return nil
	}
	return &r.result.Environments[i]
}

// leaveOut takes an environment out of the result, before it is entered anew.
func (r *run) leaveOut(name string) {
	r.result.Environments = slices.DeleteFunc(r.result.Environments, func(e report.Environment) bool { return e.Name == name })
}

// pickUp carries a decision through, or takes back what was applied without one.
func (r *run) pickUp(ctx context.Context, env *config.Environment, came milestones) (err error) {
	before := r.environment(env.Name)
	if before == nil {
		return fmt.Errorf("the run has no result of %s, though it was begun there: take it back: stagegate rollback %s --cluster-name %s", env.Name, r.result.RunID, env.ClusterName)
	}
	then := *before
	r.leaveOut(env.Name)
	s, err := r.open(ctx, env)
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	if err != nil {
		return err
	}
	if err := s.goBackTo(then, came); err != nil {
		return err
	}
	switch {
	case came.decided && s.out.Decision.Verdict == gate.Pass:
		err = s.commit(ctx)
	case came.applying:
		err = s.revert(ctx)
	}
	if err != nil {
		return err
	}
	if came.decided {
		return s.conclude(ctx)
	}
	if !unfinished(s.out) {
		r.leaveOut(env.Name)
		return s.forgetRecords()
	}
	return nil
}

// goBackTo takes up an environment where an earlier process left it.
func (s *session) goBackTo(then report.Environment, came milestones) error {
	if came.applying && s.cluster.UID != then.ClusterUID {
		return fmt.Errorf("cluster %s is another one than the run changed (kube-system UID %s, then %s): nothing of the run is there",
			s.env.ClusterName, s.cluster.UID, then.ClusterUID)
	}
	if err := s.readRecords(); err != nil {
		return err
	}
	then.Steps = slices.Concat(then.Steps, s.out.Steps)
	*s.out = then
	s.out.Plan.Summaries, s.out.Untouched = came.plan, false
	s.findings.Expectations, s.findings.Baseline, s.findings.After = then.Expectations, then.Baseline, then.After
	return nil
}

// forgetRecords removes the records of what was taken back, before it is applied anew.
func (s *session) forgetRecords() error {
	if err := os.RemoveAll(recordDir(s.dir, s.env.Name)); err != nil {
		return fmt.Errorf("removing the records of what was taken back: %w", err)
	}
	return nil
}
