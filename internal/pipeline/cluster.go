package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/report"
)

// opened is an environment's cluster, and the step that brought it up.
type opened struct {
	cluster *cluster.Cluster
	step    report.Step
	err     error
}

// bring gets hold of an environment's cluster.
type bring func(context.Context, *config.Environment, cluster.Progress) (*cluster.Cluster, error)

// made is the environment's cluster, made where it is not there.
func (r *Runner) made(ctx context.Context, env *config.Environment, progress cluster.Progress) (*cluster.Cluster, error) {
	return r.EnsureCluster(ctx, env, false, progress)
}

// openClusters brings up the clusters of all environments of the run, side by side, and
// refuses two environments that are one cluster.
func (r *run) openClusters(ctx context.Context, up bring, envs ...*config.Environment) error {
	r.clusters = make(map[string]*opened, len(envs))
	for _, env := range envs {
		r.clusters[env.Name] = &opened{}
	}
	var all sync.WaitGroup
	for _, env := range envs {
		all.Go(func() { r.openCluster(ctx, up, env, r.clusters[env.Name]) })
	}
	all.Wait()
	var errs []error
	for _, env := range envs {
		errs = append(errs, r.clusters[env.Name].err)
	}
	return errors.Join(append(errs, r.refuseSameCluster())...)
}

func (r *run) openCluster(ctx context.Context, up bring, env *config.Environment, into *opened) {
	started := r.Now()
	step := r.Progress.Step(env.Name + ": cluster")
	into.step = report.Step{Name: "cluster", Outcome: report.Done}
	into.cluster, into.err = up(ctx, env, step.Update)
	into.step.Duration = r.Now().Sub(started)
	if into.err != nil {
		into.err = fmt.Errorf("bringing up the cluster of %s: %w", env.Name, into.err)
		step.Fail(into.err)
		return
	}
	into.step.Detail = fmt.Sprintf("%s cluster %s, Kubernetes %s", into.cluster.Provider, into.cluster.Name, into.cluster.Version)
	step.Done(into.step.Detail)
}

func (r *run) refuseSameCluster() error {
	owner := map[string]string{}
	for name, o := range r.clusters {
		if o.cluster == nil {
			continue
		}
		if other, taken := owner[o.cluster.UID]; taken {
			return fmt.Errorf("environments %s and %s are the same cluster (kube-system UID %s): give each its own",
				min(name, other), max(name, other), o.cluster.UID)
		}
		owner[o.cluster.UID] = name
	}
	return nil
}

// closeClusters gives the clusters back, whether or not the run was interrupted.
func (r *run) closeClusters(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	var errs []error
	for _, o := range r.clusters {
		if o.cluster != nil {
			errs = append(errs, o.cluster.Release(ctx))
		}
	}
	return errors.Join(errs...)
}
