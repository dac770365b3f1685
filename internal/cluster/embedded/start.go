package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/cluster/embedded/controlplane"
	"github.com/stagegate/stagegate/internal/filelock"
)

const (
	readyTimeout = 2 * time.Minute
	// reuseTimeout is for a cluster that is running already.
	reuseTimeout = 10 * time.Second
	stopTimeout  = 5 * time.Second
	pollInterval = 20 * time.Millisecond
	// unreadableData is the control plane's exit code when etcd cannot read its data.
	unreadableData = 4
)

var errUnreadableData = errors.New("etcd cannot read its data")

// reuse returns the cluster if it runs, and nil if it does not. One that runs and does
// not serve is stopped; its state is kept.
func reuse(ctx context.Context, state state, progress cluster.Progress) (*cluster.Cluster, error) {
	running, err := filelock.Held(state.path(runLock))
	if err != nil || !running {
		return nil, err
	}
	wait, cancel := context.WithTimeout(ctx, reuseTimeout)
	defer cancel()
	err = waitReady(wait, state, nil)
	if err == nil {
		var c *cluster.Cluster
		if c, err = connect(wait, state); err == nil {
			c.Release = func(context.Context) error { return nil }
			return c, nil
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	progress("mending cluster %s: it runs, but does not serve (%v); restarting it", state.name, err)
	return nil, stop(ctx, state)
}

// start runs the control plane until it is ready. What fails is stopped, and a cluster
// that has never been ready leaves nothing behind.
func (p *Provider) start(ctx context.Context, state state, progress cluster.Progress) (*cluster.Cluster, error) {
	binary, err := p.Binary(ctx, progress)
	if err != nil {
		return nil, err
	}
	assets, err := controlplane.Assets()
	if err != nil {
		return nil, err
	}
	c, err := startOnce(ctx, state, binary, assets, progress)
	if errors.Is(err, errUnreadableData) && state.has(completeFile) {
		aside, moveErr := state.setAside()
		if moveErr != nil {
			return nil, errors.Join(err, moveErr)
		}
		progress("mending cluster %s: etcd cannot read its data, which was moved to %s; making the cluster anew", state.name, aside)
		c, err = startOnce(ctx, state, binary, assets, progress)
	}
	return c, err
}

func startOnce(ctx context.Context, state state, binary, assets string, progress cluster.Progress) (_ *cluster.Cluster, err error) {
	if err := state.prepare(progress); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil && !state.has(completeFile) {
			err = errors.Join(err, os.RemoveAll(state.dir))
		}
	}()
	progress("starting cluster %s", state.name)
	child, err := launch(state, binary, assets)
	if err != nil {
		return nil, err
	}
	c, err := child.serve(ctx, state)
	if err != nil {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*stopTimeout)
		defer cancel()
		return nil, errors.Join(err, child.stop(clean))
	}
	return c, nil
}

// waitReady returns when the control plane has said that it is ready.
func waitReady(ctx context.Context, state state, exited <-chan struct{}) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, errors.New("it was not ready in time"))
	defer cancel()
	for !state.has(readyFile) {
		select {
		case <-exited:
			return fmt.Errorf("the control plane stopped: %s", state.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("waiting for the control plane: %w", context.Cause(ctx))
		case <-time.After(pollInterval):
		}
	}
	return nil
}
