package apply

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/stagegate/stagegate/internal/lock"
)

// retry calls f until it succeeds, fails for good, or has been failing for the limit.
// attempt counts from 0: from 1 on, an earlier attempt may have landed unseen.
func retry[T any](ctx context.Context, limit time.Duration, f func(attempt int) (T, error)) (T, error) {
	start := time.Now()
	wait := 100 * time.Millisecond
	for attempt := 0; ; attempt++ {
		v, err := f(attempt)
		if err == nil || !transient(err) || ctx.Err() != nil {
			return v, err
		}
		if time.Since(start)+wait > limit {
			return v, fmt.Errorf("%w (tried %d times in %s)", err, attempt+1, time.Since(start).Round(time.Millisecond))
		}
		if err := sleep(ctx, wait); err != nil {
			return v, err
		}
		wait = min(2*wait, 3*time.Second)
	}
}

// transient tells errors that may pass from those that will not. Waiting as long as
// Retry-After says is done below, by client-go.
func transient(err error) bool {
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		code := status.Status().Code
		return code == 429 || code >= 500
	}
	if errors.Is(err, lock.ErrLost) {
		return false
	}
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var transport *url.Error
	return errors.As(err, &transport) || errors.Is(err, io.ErrUnexpectedEOF)
}

// sleep waits, or returns the context's error if that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
