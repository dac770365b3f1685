// Package pipeline carries a change through environments, one file per step: cluster,
// lock, plan, baseline, apply, verify, verdict, revert, evidence, promote.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/evidence"
	"github.com/stagegate/stagegate/internal/journal"
	"github.com/stagegate/stagegate/internal/progress"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/report"
)

// Prober finds the outcomes of an environment's edges in one way. What there is to be
// reached is discovered anew by each call.
type Prober interface {
	Probe(ctx context.Context) ([]reach.Expectation, reach.Matrix, error)
	Close(ctx context.Context) error
}

// Runner has what every run needs. The command line fills it once.
type Runner struct {
	Environments []*config.Environment
	Provider     func(*config.Environment) (cluster.Provider, error)
	Backends     func(*config.Environment, *apply.Clients, *cluster.Cluster) map[change.Kind]apply.Backend
	Prober       func(ctx context.Context, r *Runner, runID string, env *config.Environment, up *cluster.Cluster, checks config.Checks) (Prober, error)
	Loaders      change.Loaders
	Evidence     *evidence.Store
	Progress     *progress.Progress
	Given        Given  // how the run was begun; its images of the local container engine are carried into the clusters
	Home         string // state directory: runs, keys, clusters
	Version      string // stagegate's own
	Now          func() time.Time
	// SettleInterval is the time between two rounds of probes that have to agree.
	SettleInterval time.Duration
	// Recorded is called after each entry of the journal; it may be nil.
	Recorded func(kind journal.Kind, step, environment string)
}

// Stage takes the change to one environment and decides there (pipeline steps 1 to 8).
func (r *Runner) Stage(ctx context.Context, env *config.Environment, ch *change.Change) (*report.Result, error) {
	if env.IsProduction() {
		return nil, fmt.Errorf("environment %s comes after %s: use stagegate promote, which goes there only with their evidence",
			env.Name, strings.Join(env.Gate.After, ", "))
	}
	run, err := r.newRun("stage", env, ch)
	if err != nil {
		return nil, err
	}
	err = run.with(ctx, r.made, func() error { return run.gate(ctx, env) }, env)
	return run.finish(ctx, err)
}

// with gets hold of the clusters of the environments, does what is to be done, and gives
// the clusters back.
func (r *run) with(ctx context.Context, up bring, do func() error, envs ...*config.Environment) error {
	err := r.openClusters(ctx, up, envs...)
	if err == nil {
		err = do()
	}
	return errors.Join(err, r.closeClusters(ctx))
}
