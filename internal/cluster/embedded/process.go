package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/filelock"
)

// child is a control plane that this process started.
type child struct {
	command *exec.Cmd
	exited  chan struct{} // closed when it is gone
}

// launch starts the control plane. It inherits run.lock and so holds it for as long as
// it lives; it ends when this process is gone, unless the state is marked to be kept.
// With assets, etcd and kube-apiserver are the programs in that directory.
func launch(state state, binary, assets string) (*child, error) {
	lock, err := filelock.Try(state.path(runLock))
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	log, err := os.OpenFile(state.path(logFile), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	c := &child{
		//nolint:noctx // it outlives the call that starts it; stop ends it
		command: exec.Command(binary, "--state-dir", state.dir, "--exit-with-parent", "--assets="+assets),
		exited:  make(chan struct{}),
	}
	c.command.Stdout, c.command.Stderr = log, log
	c.command.ExtraFiles = []*os.File{lock}
	c.command.SysProcAttr = detached()
	if err := c.command.Start(); err != nil {
		return nil, fmt.Errorf("starting the control plane: %w", err)
	}
	go func() {
		defer close(c.exited)
		_ = c.command.Wait() // the exit code is read from ProcessState
	}()
	return c, nil
}

// serve waits for the control plane and connects to it.
func (c *child) serve(ctx context.Context, state state) (*cluster.Cluster, error) {
	if err := waitReady(ctx, state, c.exited); err != nil {
		return nil, c.explain(err)
	}
	found, err := connect(ctx, state)
	if err != nil {
		return nil, err
	}
	if err := state.mark(completeFile); err != nil {
		return nil, err
	}
	var once sync.Once
	found.Release = func(ctx context.Context) (err error) {
		once.Do(func() {
			if !state.has(keepFile) {
				err = c.stop(ctx)
			}
		})
		return err
	}
	return found, nil
}

// explain marks an error by the exit code that unreadable data has.
func (c *child) explain(err error) error {
	select {
	case <-c.exited:
		if c.command.ProcessState.ExitCode() == unreadableData {
			return fmt.Errorf("%w: %w", errUnreadableData, err)
		}
	default:
	}
	return err
}

// stop asks the control plane to end and makes sure that it did.
func (c *child) stop(ctx context.Context) error {
	gone := func() (bool, error) {
		select {
		case <-c.exited:
			return true, nil
		default:
			return false, nil
		}
	}
	return end(ctx, c.command.Process, gone)
}

// stop ends the cluster's control plane, whoever started it.
func stop(ctx context.Context, state state) error {
	gone := func() (bool, error) {
		held, err := filelock.Held(state.path(runLock))
		return !held, err
	}
	if done, err := gone(); done || err != nil {
		return err
	}
	pid, err := state.pid()
	if err != nil {
		return err
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return fmt.Errorf("finding the control plane: %w", err)
	}
	return end(ctx, process, gone)
}

// end sends SIGTERM, and SIGKILL where that does not suffice within stopTimeout.
func end(ctx context.Context, process *os.Process, gone func() (bool, error)) error {
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Kill} {
		if err := process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("stopping the control plane: %w", err)
		}
		for deadline := time.Now().Add(stopTimeout); time.Now().Before(deadline); {
			if done, err := gone(); done || err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("stopping the control plane: %w", context.Cause(ctx))
			case <-time.After(pollInterval):
			}
		}
	}
	return fmt.Errorf("stopping the control plane: process %d does not end", process.Pid)
}
