package lock

import (
	"context"
	"errors"
	"fmt"
	"time"

	coordination "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	client "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/utils/ptr"

	"github.com/stagegate/stagegate/internal/cluster"
)

func newLock(up *cluster.Cluster, environment, runID string) (*Lock, error) {
	c, err := client.NewForConfig(up.REST)
	if err != nil {
		return nil, err
	}
	return &Lock{leases: c.Leases(Namespace), environment: environment, clusterName: up.Name, runID: runID}, nil
}

func (l *Lock) name() string { return "stagegate-" + l.environment }

// take makes a Lease this run's, under the next epoch.
func (l *Lock) take(lease *coordination.Lease) error {
	if h := holder(lease); h != "" && h != l.runID {
		return l.held(lease)
	}
	now := metav1.NewMicroTime(time.Now())
	lease.Spec.HolderIdentity = ptr.To(l.runID)
	lease.Spec.AcquireTime, lease.Spec.RenewTime = &now, &now
	lease.Spec.LeaseTransitions = ptr.To(ptr.Deref(lease.Spec.LeaseTransitions, 0) + 1)
	return nil
}

// change edits the Lease, which is made if there is none. The API server refuses an edit
// of a Lease that has changed since it was read; then it is read again. So it is after an
// answer that was lost, since the edit may have been made.
func (l *Lock) change(ctx context.Context, edit func(*coordination.Lease) error) error {
	var err error
	for range attempts {
		var lease *coordination.Lease
		if lease, err = l.read(ctx); err != nil {
			break // the client has tried for long enough
		}
		if err := edit(lease); err != nil {
			return err
		}
		if lease, err = l.write(ctx, lease); err == nil {
			l.uid, l.epoch = lease.UID, ptr.Deref(lease.Spec.LeaseTransitions, 0)
			return nil
		}
		if apierrors.IsForbidden(err) || ctx.Err() != nil {
			break
		}
	}
	return explain(err)
}

// read returns the Lease, or a new one without UID.
func (l *Lock) read(ctx context.Context) (*coordination.Lease, error) {
	lease, err := l.leases.Get(ctx, l.name(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return &coordination.Lease{ObjectMeta: metav1.ObjectMeta{
			Name: l.name(), Namespace: Namespace, Labels: map[string]string{"app.kubernetes.io/managed-by": "stagegate"},
		}}, nil
	}
	return lease, err
}

func (l *Lock) write(ctx context.Context, lease *coordination.Lease) (*coordination.Lease, error) {
	if lease.UID == "" {
		return l.leases.Create(ctx, lease, metav1.CreateOptions{FieldManager: "stagegate"})
	}
	return l.leases.Update(ctx, lease, metav1.UpdateOptions{FieldManager: "stagegate"})
}

// check tells whether the Lease is still as this run took it.
func (l *Lock) check(lease *coordination.Lease) error {
	switch {
	case holder(lease) == "":
		return fmt.Errorf("%w (it was unlocked)", ErrLost)
	case holder(lease) != l.runID:
		return fmt.Errorf("%w: %w", ErrLost, l.held(lease))
	case lease.UID != l.uid || ptr.Deref(lease.Spec.LeaseTransitions, 0) != l.epoch:
		return fmt.Errorf("%w (the run was resumed elsewhere)", ErrLost)
	}
	return nil
}

func (l *Lock) held(lease *coordination.Lease) *Held {
	return &Held{Environment: l.environment, ClusterName: l.clusterName, Holder: holder(lease), Since: ptr.Deref(lease.Spec.AcquireTime, metav1.MicroTime{}).Time}
}

func holder(lease *coordination.Lease) string { return ptr.Deref(lease.Spec.HolderIdentity, "") }

// vacate takes the holder off. The epoch stays, so that the next one is another.
func vacate(lease *coordination.Lease) {
	lease.Spec.HolderIdentity, lease.Spec.AcquireTime, lease.Spec.RenewTime = nil, nil, nil
}

// explain adds what to do about an error of the API server.
func explain(err error) error {
	var held *Held
	switch {
	case err == nil, errors.As(err, &held), errors.Is(err, ErrLost):
		return err
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return fmt.Errorf("%w: allow this user to get, create and update leases.coordination.k8s.io in %s", err, Namespace)
	}
	return fmt.Errorf("%w: without the lock nothing is changed; try again when the API server answers", err)
}
