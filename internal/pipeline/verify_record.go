package pipeline

import (
	"context"
	"errors"
	"slices"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/evidence"
)

// VerifyRecord verifies a kept record against the environment that it names, as a
// promotion of its change would: the cluster's identity is asked of the cluster itself.
func (r *Runner) VerifyRecord(ctx context.Context, id string) (entry evidence.Entry, err error) {
	if _, entry, err = r.Evidence.Load(id); err != nil {
		return entry, err
	}
	env, err := config.Find(r.Environments, entry.Environment)
	if err != nil {
		return entry, err
	}
	up, err := r.FindCluster(ctx, env, r.Progress.Note)
	if err != nil {
		return entry, err
	}
	defer func() { err = errors.Join(err, up.Release(context.WithoutCancel(ctx))) }()
	return entry, r.verify(ctx, entry.ID, entry.ChangeDigest, env, up, r.strictest(env))
}

// strictest is what the environments that need env's evidence ask for together; its own
// demands where there is none.
func (r *Runner) strictest(env *config.Environment) demands {
	d := asked(env)
	for _, later := range r.Environments {
		if slices.Contains(later.Gate.After, env.Name) {
			d = demands{min(d.maxAge, later.Gate.MaxEvidenceAge), d.grade.Stricter(later.Gate.MinimumGrade)}
		}
	}
	return d
}
