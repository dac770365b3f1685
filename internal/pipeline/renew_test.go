package pipeline

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"k8s.io/utils/ptr"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/lock"
	"github.com/stagegate/stagegate/internal/progress"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/report"
)

// disposable is a provider that notes what is done to its cluster.
type disposable struct {
	destroyErr      error
	destroyed, made int
}

func (d *disposable) Ensure(context.Context, string, bool, cluster.Progress) (*cluster.Cluster, error) {
	d.made++
	return &cluster.Cluster{}, nil
}

func (*disposable) Status(context.Context, string) (cluster.Status, error) {
	return cluster.Status{}, nil
}

func (d *disposable) Destroy(context.Context, string, cluster.Progress) error {
	if d.destroyErr == nil {
		d.destroyed++
	}
	return d.destroyErr
}

// stuck is a prober that cannot take its pods away.
type stuck struct{ rounds }

func (*stuck) Close(context.Context) error { return errBroken }

// leaves is a back end whose revert does not come to its end.
type leaves struct {
	apply.Backend
	outcome apply.Outcome
	err     error
}

func (l *leaves) Revert(context.Context, *apply.Record, apply.Progress) (apply.Outcome, error) {
	return l.outcome, l.err
}

var errBroken = errors.New("the API server is gone")

func TestRenew(t *testing.T) {
	left := apply.Outcome{Left: []report.Left{{Why: "a finalizer is stuck"}}}
	state := apply.Outcome{Left: []report.Left{{Address: "aws_vpc.main", Why: "it is protected"}}}
	for name, test := range map[string]struct {
		kind       change.Kind
		backend    *leaves
		destroyErr error
		taken      bool // the lock, by another run
		renewed    bool
		failed     error
	}{
		"something is left":               {change.Manifest, &leaves{outcome: left}, nil, false, true, nil},
		"the revert fails":                {change.Manifest, &leaves{err: errBroken}, nil, false, true, nil},
		"the cluster cannot be destroyed": {change.Manifest, &leaves{outcome: left}, errBroken, false, false, errBroken},
		"a Terraform resource is left":    {change.Terraform, &leaves{outcome: state}, nil, false, false, nil},
		"a state is not reverted":         {change.Terraform, &leaves{err: errBroken}, nil, false, false, errBroken},
		"the lock is another run's":       {change.Manifest, &leaves{outcome: left}, nil, true, false, lock.ErrLost},
	} {
		t.Run(name, func(t *testing.T) {
			held, server := locked(t)
			if test.taken {
				server.kept.Spec.HolderIdentity = ptr.To("run-2")
			}
			shown := progress.New(io.Discard, progress.Quiet)
			defer shown.Close()
			provider := &disposable{destroyErr: test.destroyErr}
			up := &cluster.Cluster{Disposable: true, Release: func(context.Context) error { return errBroken }}
			s := &session{
				run: &run{dir: t.TempDir(), result: &report.Result{}, Runner: &Runner{
					Progress: shown, Now: time.Now, SettleInterval: time.Millisecond,
					Provider: func(*config.Environment) (cluster.Provider, error) { return provider, nil },
				}},
				opened: &opened{cluster: up}, env: &config.Environment{Name: "staging", Gate: config.Gate{SettleTimeout: time.Millisecond}}, lock: held,
				prober:   &stuck{rounds{all: []reach.Matrix{matrix(nil)}}},
				backends: map[change.Kind]apply.Backend{test.kind: test.backend},
				records:  []*apply.Record{{Kind: test.kind, Part: "one"}}, out: &report.Environment{},
			}
			if err := s.revert(t.Context()); !errors.Is(err, test.failed) {
				t.Errorf("got the error %v; want %v", err, test.failed)
			}
			if s.out.Reverted.Done() != test.renewed || (provider.destroyed == 1) != test.renewed || (provider.made == 1) != test.renewed {
				t.Errorf("reverted %+v; destroyed %d times, made %d times", *s.out.Reverted, provider.destroyed, provider.made)
			}
			if (s.lock == nil) != test.renewed {
				t.Error("the lock is forgotten before its cluster is gone, or kept after")
			}
		})
	}
}
