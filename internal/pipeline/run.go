package pipeline

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/durable"
	"github.com/stagegate/stagegate/internal/exitcode"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/journal"
	"github.com/stagegate/stagegate/internal/report"
)

// run is one execution: its id, its directory, and the result that grows with each step.
type run struct {
	*Runner
	change   *change.Change
	dir      string
	result   *report.Result
	clusters map[string]*opened // by environment
	journal  *journal.Journal   // nil for a check, which changes nothing
}

func (r *Runner) newRun(command string, env *config.Environment, ch *change.Change) (*run, error) {
	id, err := newRunID(r.Now())
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(r.Home, "runs", id)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the run's directory: %w", err)
	}
	run := &run{Runner: r, change: ch, dir: dir, result: &report.Result{
		RunID: id, Command: command, Started: r.Now().UTC(), Change: Describe(ch),
		// The capacity is for all, since each session holds a pointer to its own.
		Environments: make([]report.Environment, 0, len(r.Environments)),
	}}
	given := r.Given
	given.Command, given.Environment = command, env.Name
	return run, run.begin(given)
}

// newRunID is sortable by time and unique: 20060102-150405-abcdef.
func newRunID(now time.Time) (string, error) {
	var random [3]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", fmt.Errorf("making a run id: %w", err)
	}
	return now.UTC().Format("20060102-150405-") + hex.EncodeToString(random[:]), nil
}

// Describe names a change for a report.
func Describe(ch *change.Change) report.Change {
	d := report.Change{Name: ch.Name, Kind: ch.Kind, Digest: ch.Digest()}
	for _, p := range ch.Parts {
		d.Parts = append(d.Parts, string(p.Kind())+" "+p.Name())
	}
	return d
}

// finish closes the result and keeps it for the history. A run that ended in an error
// still has a result: what happened until then.
func (r *run) finish(ctx context.Context, err error) (*report.Result, error) {
	r.result.Duration = r.Now().Sub(r.result.Started)
	if err = overTime(ctx, err); err != nil {
		r.result.Error = err.Error()
	}
	r.result.Verdict = worst(r.result.Environments)
	r.result.ExitCode = exitCode(r.result, interrupted(ctx), r.isProduction)
	r.result.Next = nextSteps(r.result, r.isProduction)
	if keepErr := errors.Join(r.write(*r.result), r.end()); keepErr != nil {
		return nil, errors.Join(err, keepErr)
	}
	return r.result, err
}

// interrupted tells a run that somebody stopped from one whose time is over.
func interrupted(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }

// overTime says of an error of a run whose time is over that this is why.
func overTime(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if err == nil || !errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", cause, err)
}

func (r *run) write(result report.Result) error {
	content, err := json.MarshalIndent(keptResult{resultFormat, &result}, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	if err := durable.Write(filepath.Join(r.dir, "result.json"), content, 0o600); err != nil {
		return fmt.Errorf("keeping the result: %w", err)
	}
	return nil
}

// keepSoFar keeps what is known now, baseline and all, should this process die: resuming it
// or taking it back needs that. The result at the end takes its place.
func (s *session) keepSoFar() error {
	soFar := *s.result
	soFar.Verdict, soFar.ExitCode = gate.Inconclusive, exitcode.Interrupted
	soFar.Error = fmt.Sprintf("the run died before it came to its end: stagegate resume %s goes on with it, and stagegate rollback %s --cluster-name %s takes back what it did",
		soFar.RunID, soFar.RunID, s.env.ClusterName)
	return s.write(soFar)
}

func (r *run) isProduction(name string) bool {
	i := slices.IndexFunc(r.Environments, func(e *config.Environment) bool { return e.Name == name })
	return i >= 0 && r.Environments[i].IsProduction()
}

// worst is the verdict over all environments; none is inconclusive.
func worst(envs []report.Environment) gate.Verdict {
	verdicts := make([]gate.Verdict, len(envs))
	for i, e := range envs {
		verdicts[i] = e.Decision.Verdict
	}
	return gate.Worst(verdicts...)
}
