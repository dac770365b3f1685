package kind

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/cluster"
)

// create makes the cluster. The record without a UID comes first, so that what an
// interruption leaves behind is known as ours.
func (s *session) create(ctx context.Context) (*cluster.Cluster, error) {
	made, err := s.provider.wanted()
	if err != nil {
		return nil, err
	}
	if err := s.note(made); err != nil {
		return nil, err
	}
	c, err := s.createAndConnect(ctx)
	if err == nil {
		made.UID = c.UID
		err = s.note(made)
	}
	if err != nil {
		return nil, errors.Join(err, s.discard())
	}
	return c, nil
}

func (s *session) createAndConnect(ctx context.Context) (*cluster.Cluster, error) {
	s.progress("creating kind cluster %s with %s", s.name, s.engine)
	if err := s.createOrUndo(ctx); err != nil {
		err = s.engine.explain(fmt.Errorf("creating it: %w", err))
		if strings.Contains(err.Error(), "failed to pull image") {
			err = fmt.Errorf("%w: set provider.kind.image or %s to a node image that can be had here", err, NodeImageVariable)
		}
		return nil, err
	}
	if err := os.Chmod(s.kubeconfig(), 0o600); err != nil {
		return nil, err
	}
	return s.connect(ctx, startWait)
}

// createOrUndo runs kind's Create, which knows no context: when ctx ends the containers
// are deleted under it until it gives up.
func (s *session) createOrUndo(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- s.kind.Create(s.name, s.createOptions()...) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	s.progress("interrupted: removing kind cluster %s", s.name)
	limit := time.After(cleanUpWait)
	for {
		_ = s.delete() // tried again below, where its error counts
		select {
		case <-done: //nolint:errcheck // it failed because it was interrupted
			return ctx.Err()
		case <-limit:
			return errors.Join(ctx.Err(), errors.New("kind did not stop in time"))
		case <-time.After(deleteRetry):
		}
	}
}

// discard removes what a failed create left. The record goes last: while it is there the
// next Ensure knows the remains as ours.
func (s *session) discard() error {
	if err := s.delete(); err != nil {
		return fmt.Errorf("removing what was left of it: %w", err)
	}
	return s.forget()
}
