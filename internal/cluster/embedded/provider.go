package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/filelock"
)

// Name is the provider's name in environment files and reports.
const Name = "embedded"

// statusTimeout bounds how long Status waits for a cluster's API.
const statusTimeout = 5 * time.Second

// Provider makes and keeps embedded clusters.
type Provider struct {
	// Root is the directory of the clusters' state.
	Root string
	// Binary returns the path of stagegate-controlplane, building it where needed.
	Binary func(context.Context, cluster.Progress) (string, error)
}

var (
	_ cluster.Provider  = (*Provider)(nil)
	_ cluster.Destroyer = (*Provider)(nil)
)

// Ensure returns the running cluster of that name, starting or making it where needed.
// A cluster that another stagegate runs is shared; where that one did not keep it, it
// ends with that one's use.
func (p *Provider) Ensure(ctx context.Context, name string, keep bool, progress cluster.Progress) (*cluster.Cluster, error) {
	state, err := p.state(name)
	if err != nil {
		return nil, err
	}
	c, err := p.ensure(ctx, state, keep, progress)
	if err != nil {
		return nil, fmt.Errorf("starting embedded cluster %s: %w", name, err)
	}
	return c, nil
}

func (p *Provider) ensure(ctx context.Context, state state, keep bool, progress cluster.Progress) (*cluster.Cluster, error) {
	lock, err := p.lock(ctx, state, progress)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	c, err := reuse(ctx, state, progress)
	if err != nil {
		return nil, err
	}
	if c == nil {
		if c, err = p.start(ctx, state, progress); err != nil {
			return nil, err
		}
	}
	if !keep {
		return c, nil
	}
	if err := state.mark(keepFile); err != nil {
		return nil, errors.Join(err, c.Release(ctx))
	}
	return c, nil
}

// Status tells what there is of the cluster, without starting or changing anything.
func (p *Provider) Status(ctx context.Context, name string) (cluster.Status, error) {
	state, err := p.state(name)
	if err != nil {
		return cluster.Status{}, err
	}
	if _, err := os.Stat(state.dir); errors.Is(err, os.ErrNotExist) {
		return cluster.Status{State: cluster.Absent}, nil
	}
	running, err := filelock.Held(state.path(runLock))
	if err != nil {
		return cluster.Status{}, fmt.Errorf("looking at embedded cluster %s: %w", name, err)
	}
	switch {
	case !running && state.has(completeFile):
		return cluster.Status{State: cluster.Stopped, Detail: "state in " + state.dir}, nil
	case !running:
		return cluster.Status{State: cluster.Broken, Detail: "its first start was cut short; the next one makes it anew"}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	c, err := connect(ctx, state)
	if err != nil {
		return cluster.Status{State: cluster.Broken, Detail: "it runs, but does not serve: " + err.Error()}, nil
	}
	return cluster.Status{State: cluster.Running, UID: c.UID, Version: c.Version, Detail: c.REST.Host}, nil
}

// Destroy stops the cluster and removes its state.
func (p *Provider) Destroy(ctx context.Context, name string, progress cluster.Progress) error {
	state, err := p.state(name)
	if err != nil {
		return err
	}
	if _, err := os.Stat(p.Root); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	lock, err := p.lock(ctx, state, progress)
	if err != nil {
		return fmt.Errorf("destroying embedded cluster %s: %w", name, err)
	}
	defer lock.Close()
	if err := stop(ctx, state); err != nil {
		return fmt.Errorf("destroying embedded cluster %s: %w", name, err)
	}
	err = errors.Join(state.remove(), os.Remove(lock.Name()))
	if err != nil {
		return fmt.Errorf("destroying embedded cluster %s: %w", name, err)
	}
	return nil
}

// lock keeps other processes from starting, stopping or destroying the same cluster.
func (p *Provider) lock(ctx context.Context, state state, progress cluster.Progress) (*os.File, error) {
	if err := os.MkdirAll(p.Root, 0o700); err != nil {
		return nil, err
	}
	return filelock.Wait(ctx, state.dir+".lock", func() {
		progress("another stagegate is starting or stopping cluster %s: waiting for it", state.name)
	})
}

func (p *Provider) state(name string) (state, error) {
	if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
		return state{}, fmt.Errorf("cluster name %q: %s", name, strings.Join(problems, "; "))
	}
	return state{name: name, dir: filepath.Join(p.Root, name)}, nil
}
