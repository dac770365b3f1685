package pipeline

import (
	"context"
	"errors"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/lock"
	"github.com/stagegate/stagegate/internal/progress"
	"github.com/stagegate/stagegate/internal/report"
)

// open starts the environment's part of the run: its lock, its clients, its prober. The
// session is returned with an error too, to be closed.
func (r *run) open(ctx context.Context, env *config.Environment) (*session, error) {
	o := r.clusters[env.Name]
	r.result.Environments = append(r.result.Environments, report.Environment{
		Name: env.Name, ClusterName: env.ClusterName, Untouched: true,
		Provider: o.cluster.Provider, ClusterUID: o.cluster.UID, Version: o.cluster.Version,
		Steps: []report.Step{o.step},
	})
	s := &session{run: r, env: env, opened: o, out: &r.result.Environments[len(r.result.Environments)-1]}
	checks, err := env.LoadChecks()
	if err != nil {
		return s, err
	}
	s.checks = checks
	if err := s.step(ctx, "lock", s.takeLock); err != nil {
		return s, err
	}
	return s, s.connect(ctx)
}

func (s *session) takeLock(ctx context.Context, _ *progress.Step) (string, error) {
	held, err := lock.Acquire(ctx, s.cluster, s.env.Name, s.result.RunID)
	if err != nil {
		return "", err
	}
	s.lock = held
	return "held by this run", nil
}

// connect makes the clients of the cluster and asks what it can do.
func (s *session) connect(ctx context.Context) error {
	clients, err := apply.NewClients(s.lock.Guard(s.cluster.REST))
	if err != nil {
		return err
	}
	s.backends = s.Backends(s.env, clients, s.cluster)
	if s.target, err = Target(ctx, s.env, s.cluster); err != nil {
		return err
	}
	s.prober, err = s.Prober(ctx, s.Runner, s.result.RunID, s.env, s.cluster, s.checks)
	return err
}

// close gives everything back, in reverse, whether or not the run was interrupted.
func (s *session) close(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	var errs []error
	errs = append(errs, closeBackends(ctx, s.backends))
	if s.prober != nil {
		errs = append(errs, s.prober.Close(ctx))
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Release(ctx))
	}
	return errors.Join(errs...)
}

// closeBackends gives back what back ends keep open from the plan on: saved plans.
func closeBackends(ctx context.Context, backends map[change.Kind]apply.Backend) error {
	var errs []error
	for _, b := range backends {
		if c, ok := b.(interface{ Close(context.Context) error }); ok {
			errs = append(errs, c.Close(ctx))
		}
	}
	return errors.Join(errs...)
}
