package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stagegate/stagegate/internal/report"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// NotReadyError says what did not become ready, and why as far as it can be told.
type NotReadyError struct {
	After   time.Duration
	Objects []report.Left
}

func (e *NotReadyError) Error() string {
	var lines []string
	for _, o := range e.Objects {
		lines = append(lines, fmt.Sprintf("%s: %s", o.Object, o.Why))
	}
	after := ""
	if e.After > 0 {
		after = fmt.Sprintf(" after %s", e.After.Round(time.Second))
	}
	return fmt.Sprintf("not ready%s: %s", after, strings.Join(lines, "; "))
}

func asNotReady(err error, target **NotReadyError) bool { return errors.As(err, target) }

// watched is an object on its way to readiness.
type watched struct {
	*object
	status  status.Status
	message string
}

// WaitReady waits until every object is ready as kstatus defines it for its kind. One
// that fails for good, or is not ready in time, makes it a NotReadyError.
func (b *Objects) WaitReady(ctx context.Context, objects []*unstructured.Unstructured, progress Progress) error {
	var waiting []*watched
	for _, o := range objects {
		waiting = append(waiting, &watched{object: &object{Unstructured: o, key: snapshot.KeyOf(o), known: true}})
	}
	start := time.Now()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		var err error
		if waiting, err = b.observe(ctx, waiting, progress); err != nil {
			return fmt.Errorf("waiting for readiness: %w", err)
		}
		failed := slices.ContainsFunc(waiting, func(w *watched) bool { return w.status == status.FailedStatus })
		switch {
		case len(waiting) == 0:
			return nil
		case failed || time.Since(start) > b.options.ReadyTimeout:
			return b.notReady(ctx, waiting, time.Since(start))
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// observe looks at each object and returns those that are not ready yet.
func (b *Objects) observe(ctx context.Context, waiting []*watched, progress Progress) ([]*watched, error) {
	err := each(ctx, b.options.Concurrency, waiting, b.observeOne)
	if err != nil {
		return nil, err
	}
	var still []*watched
	for _, w := range waiting {
		if w.status == status.CurrentStatus {
			progress.Send(Ready, w.key, "")
			continue
		}
		still = append(still, w)
	}
	return still, nil
}

func (b *Objects) observeOne(ctx context.Context, w *watched) error {
	live, err := b.get(ctx, w.object)
	if err != nil {
		return fmt.Errorf("%s: %w", w.key, err)
	}
	if live == nil {
		w.status, w.message = status.FailedStatus, "it was deleted by someone else"
		return nil
	}
	w.Unstructured = live
	s, err := status.Compute(live)
	if err != nil {
		return fmt.Errorf("%s: %w", w.key, err)
	}
	w.status, w.message = s.Status, s.Message
	return nil
}

func (b *Objects) notReady(ctx context.Context, waiting []*watched, after time.Duration) error {
	out := &NotReadyError{After: after}
	for _, w := range waiting {
		why := w.message
		if detail := b.diagnose(ctx, w.Unstructured); detail != "" {
			why += ": " + detail
		}
		out.Objects = append(out.Objects, report.Left{Object: w.key, Why: why})
	}
	slices.SortFunc(out.Objects, func(a, b report.Left) int { return a.Object.Compare(b.Object) })
	return out
}
