package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/parity"
	"github.com/stagegate/stagegate/internal/progress"
	"github.com/stagegate/stagegate/internal/snapshot/live"
)

// parity holds that what runs here is what the change was tested on, within the bounds of
// the gate. Versions that are too far apart block: what was seen there proves nothing here.
func (s *session) parity(ctx context.Context) error {
	bounds := s.env.Gate.Parity
	if len(s.env.Gate.After) == 0 || bounds.Kubernetes+bounds.IngressController+bounds.CNI == "" {
		return nil
	}
	return s.step(ctx, "parity", func(ctx context.Context, _ *progress.Step) (string, error) {
		now, err := s.versions(ctx, s.cluster)
		if err != nil {
			return "", err
		}
		var apart []string
		for _, name := range s.env.Gate.After {
			tested, err := s.versions(ctx, s.clusters[name].cluster)
			if err != nil {
				return "", err
			}
			apart = append(apart, parity.Compare(bounds, name, tested, now)...)
		}
		s.findings.Failures = append(s.findings.Failures, apart...)
		if len(apart) > 0 {
			return counted(len(apart), "version") + " too far apart", nil
		}
		return "as in " + strings.Join(s.env.Gate.After, ", "), nil
	})
}

// versions reads what runs in a cluster; its objects only where a bound needs them.
func (s *session) versions(ctx context.Context, up *cluster.Cluster) (parity.Versions, error) {
	if bounds := s.env.Gate.Parity; bounds.IngressController+bounds.CNI == "" {
		return parity.Versions{Kubernetes: up.Version}, nil
	}
	return readVersions(ctx, up)
}

// Versions reads what runs in an environment's cluster, which must be there.
func (r *Runner) Versions(ctx context.Context, env *config.Environment) (v parity.Versions, err error) {
	up, err := r.FindCluster(ctx, env, r.Progress.Note)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, up.Release(context.WithoutCancel(ctx))) }()
	return readVersions(ctx, up)
}

func readVersions(ctx context.Context, up *cluster.Cluster) (parity.Versions, error) {
	state, err := live.Take(ctx, up.REST)
	if err != nil {
		return parity.Versions{}, fmt.Errorf("reading what runs in %s: %w", up.Name, err)
	}
	return parity.Read(up.Version, state), nil
}
