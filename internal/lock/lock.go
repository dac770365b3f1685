// Package lock keeps two runs from changing one environment at once. The lock is a Lease
// in the environment's own cluster, so it holds for every machine. It never expires: a run
// that died may have left a change half made, and only resuming it or a person can tell.
//
// A lock has an epoch, the Lease's leaseTransitions, that grows each time it is taken. A
// run that was paused while its lock was broken finds another epoch, and stops.
package lock

import (
	"context"
	"errors"
	"fmt"
	"time"

	coordination "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	client "k8s.io/client-go/kubernetes/typed/coordination/v1"

	"github.com/stagegate/stagegate/internal/cluster"
)

// Namespace is where the Leases are; their names are "stagegate-" and the environment's.
const Namespace = metav1.NamespaceSystem

// attempts bounds how often a Lease that others change meanwhile is read again.
const attempts = 5

// Held is the error of an environment that another run has locked.
type Held struct {
	Environment string
	ClusterName string
	Holder      string // run id
	Since       time.Time
}

func (e *Held) Error() string {
	return fmt.Sprintf("environment %s is locked by run %s since %s: wait for it to end; if it is dead, stagegate resume %s goes on with it, stagegate rollback %s --cluster-name %s takes back what it did, and stagegate unlock --run-id %s --cluster-name %s gives the lock up alone",
		e.Environment, e.Holder, e.Since.UTC().Format(time.RFC3339), e.Holder, e.Holder, e.ClusterName, e.Holder, e.ClusterName)
}

// ErrLost is that of a lock that this run no longer holds.
var ErrLost = errors.New("the lock was taken from this run: nothing more is done")

// ErrNotHeld is that of breaking a lock that nobody holds.
var ErrNotHeld = errors.New("the environment is not locked")

// Lock is a lock that was taken.
type Lock struct {
	leases      client.LeaseInterface
	environment string
	clusterName string
	runID       string
	uid         types.UID
	epoch       int32
}

// Acquire locks an environment for a run, or fails with *Held. A run that holds the lock
// already takes it anew, under a new epoch: so it is resumed, and whatever is left of its
// earlier process is shut out.
func Acquire(ctx context.Context, up *cluster.Cluster, environment, runID string) (*Lock, error) {
	l, err := newLock(up, environment, runID)
	if err != nil {
		return nil, fmt.Errorf("locking environment %s: %w", environment, err)
	}
	if err := l.change(ctx, l.take); err != nil {
		return nil, fmt.Errorf("locking environment %s: %w", environment, err)
	}
	return l, nil
}

// Epoch tells this taking of the lock from all others. It grows.
func (l *Lock) Epoch() int64 { return int64(l.epoch) }

// Held is called before each part of a mutation, which must not be made on an error:
// ErrLost, or that of a lock that cannot be read. Guard does so for single writes.
func (l *Lock) Held(ctx context.Context) error {
	lease, err := l.leases.Get(ctx, l.name(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		err = fmt.Errorf("%w (its Lease was deleted)", ErrLost)
	case err == nil:
		err = l.check(lease)
	}
	if err != nil {
		return fmt.Errorf("checking the lock of environment %s: %w", l.environment, explain(err))
	}
	return nil
}

// Release gives up the lock. One that is lost already is left alone, and is no error.
func (l *Lock) Release(ctx context.Context) error {
	err := l.change(ctx, func(lease *coordination.Lease) error {
		if err := l.check(lease); err != nil {
			return err
		}
		vacate(lease)
		return nil
	})
	if err != nil && !errors.Is(err, ErrLost) && !errors.Is(err, ErrNotHeld) {
		return fmt.Errorf("unlocking environment %s: %w", l.environment, err)
	}
	return nil
}

// Break gives up the lock of a run that is dead. It fails with *Held where another run has
// the lock, and with ErrNotHeld where none has.
func Break(ctx context.Context, up *cluster.Cluster, environment, runID string) error {
	l, err := newLock(up, environment, runID)
	if err == nil {
		err = l.change(ctx, func(lease *coordination.Lease) error {
			switch {
			case holder(lease) == "":
				return ErrNotHeld
			case holder(lease) != runID:
				return l.held(lease)
			}
			vacate(lease)
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("unlocking environment %s: %w", environment, err)
	}
	return nil
}

// Holder tells which run has the lock; it is nil where none has.
func Holder(ctx context.Context, up *cluster.Cluster, environment string) (*Held, error) {
	l, err := newLock(up, environment, "")
	if err != nil {
		return nil, fmt.Errorf("reading the lock of environment %s: %w", environment, err)
	}
	lease, err := l.leases.Get(ctx, l.name(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err), err == nil && holder(lease) == "":
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading the lock of environment %s: %w", environment, explain(err))
	}
	return l.held(lease), nil
}
