package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	coordination "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/stagegate/stagegate/internal/reach"
)

const (
	leaseName    = "stagegate-probe-"
	leaseSeconds = 120
	renewEvery   = 30 * time.Second
	gonePoll     = 200 * time.Millisecond
)

// lease makes the Lease that owns the run's probe pods in a namespace. It is renewed while
// the run lives, which tells its pods from those that a crashed run left.
func (p *Prober) lease(ctx context.Context, namespace string) (*coordination.Lease, error) {
	now, seconds, holder := metav1.NowMicro(), int32(leaseSeconds), p.options.RunID
	lease := &coordination.Lease{
		ObjectMeta: metav1.ObjectMeta{
			Name: leaseName + strings.ToLower(strings.ReplaceAll(p.options.RunID, "_", "-")), Namespace: namespace,
			Labels: map[string]string{reach.ProbeLabel: p.options.RunID},
		},
		Spec: coordination.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: &seconds, RenewTime: &now},
	}
	made, err := p.clients.CoordinationV1().Leases(namespace).Create(ctx, lease, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		made, err = p.clients.CoordinationV1().Leases(namespace).Get(ctx, lease.Name, metav1.GetOptions{})
	}
	if err != nil {
		return nil, fmt.Errorf("making the lease of the probe pods in %s: %w", namespace, err)
	}
	return made, nil
}

func (p *Prober) renewLeases(ctx context.Context) {
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.renew(ctx)
		}
	}
}

// renew reports failures and goes on: a lease that is not renewed costs at worst its
// pods, which are then made anew.
func (p *Prober) renew(ctx context.Context) {
	all, err := p.clients.CoordinationV1().Leases("").List(ctx, selecting(p.options.RunID))
	if err != nil {
		p.options.Progress("renewing the leases of probe pods: %v", err)
		return
	}
	for _, lease := range all.Items {
		now := metav1.NowMicro()
		lease.Spec.RenewTime = &now
		if _, err := p.clients.CoordinationV1().Leases(lease.Namespace).Update(ctx, &lease, metav1.UpdateOptions{}); err != nil {
			p.options.Progress("renewing the lease of probe pods in %s: %v", lease.Namespace, err)
		}
	}
}

// sweep removes what earlier runs left: those whose leases have run out, and those of
// this run's own id, whose process is gone since this one resumes it. Pods are listed first:
// a run makes its lease before them, so that no pod is seen whose lease is not.
func (p *Prober) sweep(ctx context.Context) error {
	labelled := metav1.ListOptions{LabelSelector: reach.ProbeLabel}
	pods, err := p.clients.CoreV1().Pods("").List(ctx, labelled)
	if err != nil {
		return err
	}
	leases, err := p.clients.CoordinationV1().Leases("").List(ctx, labelled)
	if err != nil || len(pods.Items)+len(leases.Items) == 0 {
		return err
	}
	now, err := p.clock(ctx)
	if err != nil {
		return err
	}
	alive := map[string]bool{}
	for _, lease := range leases.Items {
		if run := lease.Labels[reach.ProbeLabel]; run != p.options.RunID && !expired(lease, now) {
			alive[run] = true
		}
	}
	dead := map[string]bool{}
	for _, lease := range leases.Items {
		dead[lease.Labels[reach.ProbeLabel]] = true
	}
	for _, pod := range pods.Items {
		dead[pod.Labels[reach.ProbeLabel]] = true
	}
	var errs []error
	for run := range dead {
		if !alive[run] {
			p.options.Progress("removing what run %s left in the cluster", run)
			errs = append(errs, p.removeRun(ctx, run))
		}
	}
	return errors.Join(errs...)
}

// expired tells whether a lease was not renewed in time, all by the clock of the API
// server: those of two machines may differ by more than a lease lasts.
func expired(lease coordination.Lease, now time.Time) bool {
	if lease.Spec.RenewTime == nil || lease.Spec.LeaseDurationSeconds == nil {
		return true
	}
	renewed := time.Time{}
	for _, written := range lease.ManagedFields {
		if written.Time != nil && written.Time.After(renewed) {
			renewed = written.Time.Time
		}
	}
	if renewed.IsZero() {
		renewed = lease.Spec.RenewTime.Time
	}
	return now.After(renewed.Add(time.Duration(*lease.Spec.LeaseDurationSeconds) * time.Second))
}

// serverTime is the API server's clock, as its answers tell it (RFC 9110, Date).
func (p *Prober) serverTime(ctx context.Context) (time.Time, error) {
	client, err := rest.HTTPClientFor(p.config)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the API server's clock: %w", err)
	}
	url := p.clients.CoreV1().RESTClient().Get().AbsPath("/version").URL().String()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the API server's clock: %w", err)
	}
	response, err := client.Do(request)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the API server's clock: %w", err)
	}
	_ = response.Body.Close() // nothing in it is of use
	now, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the API server's clock: %w", err)
	}
	return now, nil
}

// removeRun deletes the pods and leases of a run wherever they are, and waits until they
// are gone.
func (p *Prober) removeRun(ctx context.Context, run string) error {
	for {
		left, err := p.deleteAll(ctx, run)
		if err != nil || len(left) == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("still there: %v: remove them with kubectl delete: %w", left, ctx.Err())
		case <-time.After(gonePoll):
		}
	}
}

func (p *Prober) deleteAll(ctx context.Context, run string) (left []string, err error) {
	pods, err := p.clients.CoreV1().Pods("").List(ctx, selecting(run))
	if err != nil {
		return nil, err
	}
	leases, err := p.clients.CoordinationV1().Leases("").List(ctx, selecting(run))
	if err != nil {
		return nil, err
	}
	var group errgroup.Group
	group.SetLimit(deletesAtOnce)
	for _, pod := range pods.Items {
		left = append(left, "pod "+pod.Namespace+"/"+pod.Name)
		group.Go(func() error {
			return ignoreGone(p.clients.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, atOnce()))
		})
	}
	for _, lease := range leases.Items {
		left = append(left, "lease "+lease.Namespace+"/"+lease.Name)
		group.Go(func() error {
			return ignoreGone(p.clients.CoordinationV1().Leases(lease.Namespace).Delete(ctx, lease.Name, atOnce()))
		})
	}
	return left, group.Wait()
}

const deletesAtOnce = 16

func ignoreGone(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func atOnce() metav1.DeleteOptions {
	zero := int64(0)
	return metav1.DeleteOptions{GracePeriodSeconds: &zero}
}

func selecting(run string) metav1.ListOptions {
	return metav1.ListOptions{LabelSelector: reach.ProbeLabel + "=" + run}
}
