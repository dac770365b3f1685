package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/report"
)

// Rollback takes back what an earlier run applied to env, from the records it kept. The
// edges that were reachable before that run must be back afterwards.
func (r *Runner) Rollback(ctx context.Context, env *config.Environment, runID string) (_ *report.Result, err error) {
	earlier, err := ReadRun(r.Home, runID)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(earlier.Environments, func(e report.Environment) bool { return e.Name == env.Name })
	if i < 0 {
		return nil, fmt.Errorf("run %s did not come to %s: there is nothing to roll back", runID, env.Name)
	}
	run := &run{Runner: r, dir: filepath.Join(r.Home, "runs", runID), result: &report.Result{
		RunID: runID, Command: "rollback", Started: r.Now().UTC(), Change: earlier.Change,
		Environments: make([]report.Environment, 0, 1),
	}}
	if err := run.join(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, run.leave()) }()
	before := earlier.Environments[i]
	err = run.with(ctx, r.FindCluster, func() error { return run.rollback(ctx, env, before) }, env)
	run.result.Duration = r.Now().Sub(run.result.Started)
	if err = overTime(ctx, err); err != nil {
		run.result.Error = err.Error()
	}
	run.result.ExitCode = rollbackExitCode(run.result, interrupted(ctx))
	run.result.Next = nextSteps(run.result, run.isProduction)
	if keepErr := run.remember(earlier, i); keepErr != nil {
		return nil, errors.Join(err, keepErr)
	}
	return run.result, err
}

// remember keeps with the earlier run how it was taken back, so that nobody takes its
// change for being there.
func (r *run) remember(earlier *report.Result, i int) error {
	if len(r.result.Environments) == 0 || r.result.Environments[0].Reverted == nil {
		return nil // nothing was tried
	}
	earlier.Environments[i].RolledBack = &report.Rollback{
		Time: r.result.Started, Error: r.result.Error, Revert: *r.result.Environments[0].Reverted,
	}
	return r.write(*earlier)
}

func (r *run) rollback(ctx context.Context, env *config.Environment, before report.Environment) (err error) {
	s, err := r.open(ctx, env)
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	if err != nil {
		return err
	}
	if s.cluster.UID != before.ClusterUID {
		return fmt.Errorf("cluster %s is another one than the run changed (kube-system UID %s, then %s): there is nothing to roll back",
			env.ClusterName, s.cluster.UID, before.ClusterUID)
	}
	if err := s.readRecords(); err != nil {
		return err
	}
	if len(s.records) == 0 {
		return fmt.Errorf("run %s has no records for %s: it applied nothing there", s.result.RunID, s.env.Name)
	}
	s.out.Untouched = false
	s.findings.Expectations = before.Expectations
	s.findings.Baseline, s.out.Baseline, s.out.Grade = before.Baseline, before.Baseline, before.Grade
	if err := s.restore(ctx); err != nil || unfinished(s.out) {
		return err
	}
	return s.note(noteRolledBack, s.env.Name, nil)
}

// readRecords reads what the run recorded of its parts, in order.
func (s *session) readRecords() error {
	files, err := filepath.Glob(filepath.Join(recordDir(s.dir, s.env.Name), "part-*.json"))
	if err != nil {
		return err
	}
	key, err := recordKey(s.Home)
	if err != nil {
		return err
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("reading a record: %w", err)
		}
		record := &apply.Record{}
		if err := json.Unmarshal(content, record); err != nil {
			return fmt.Errorf("reading the record %s: %w", file, err)
		}
		if err := readable(record.Format, apply.RecordFormat); err != nil {
			return fmt.Errorf("reading the record %s: %w", file, err)
		}
		record.Resume(key, func(r *apply.Record) error { return saveRecord(file, r) })
		s.records = append(s.records, record)
	}
	return nil
}
