// Package kind makes clusters of containers with sigs.k8s.io/kind: real nodes, real pods,
// real packets, on one machine with Docker, Podman or nerdctl.
//
// The user's own kubeconfig is never read or written, and only clusters that stagegate
// made are used or deleted.
package kind

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	kindcluster "sigs.k8s.io/kind/pkg/cluster"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/reach"
)

// NodeImageVariable names the environment variable with the node image to use where an
// environment file names none.
const NodeImageVariable = "STAGEGATE_KIND_NODE_IMAGE"

const (
	prefix       = "stagegate-"
	createWait   = 3 * time.Minute // for the nodes of a new cluster to be ready
	startWait    = 2 * time.Minute // for the API of restarted nodes
	answerWait   = 3 * time.Second // for the API of a cluster that runs
	statusWait   = 3 * time.Second
	deleteWait   = 30 * time.Second
	deleteRetry  = 500 * time.Millisecond
	cleanUpWait  = time.Minute
	pollInterval = 500 * time.Millisecond
)

// Provider makes and finds kind clusters. A cluster of the name NAME is kind's cluster
// stagegate-NAME.
//
// A kind cluster costs half a minute to make, so Release lets it run whatever keep says;
// Destroy ends it.
type Provider struct {
	image  string
	config string
	dir    string
}

var (
	_ cluster.Provider      = (*Provider)(nil)
	_ cluster.Destroyer     = (*Provider)(nil)
	_ cluster.ImageLoader   = (*Provider)(nil)
	_ cluster.ArchiveLoader = (*Provider)(nil)
)

// New returns a provider that keeps kubeconfig files and records of the clusters it made
// under dir. The paths of spec must be absolute, or relative to the working directory.
func New(spec config.KindProvider, dir string) *Provider {
	image := spec.Image
	if image == "" {
		image = os.Getenv(NodeImageVariable)
	}
	return &Provider{image: image, config: spec.Config, dir: filepath.Join(dir, "kind")}
}

// Ensure returns the running cluster, made, started or found.
func (p *Provider) Ensure(ctx context.Context, name string, _ bool, progress cluster.Progress) (*cluster.Cluster, error) {
	s, err := p.open(ctx, name, progress)
	if err != nil {
		return nil, err
	}
	defer s.unlock()
	c, err := s.ensure(ctx)
	if err != nil {
		return nil, fmt.Errorf("kind cluster %s: %w", s.name, err)
	}
	return c, nil
}

func (s *session) ensure(ctx context.Context) (*cluster.Cluster, error) {
	exists, err := s.exists()
	if err != nil {
		return nil, err
	}
	if exists {
		made, err := s.record()
		if err != nil {
			return nil, err
		}
		if made.UID != "" {
			return s.reuse(ctx, made)
		}
		s.progress("removing kind cluster %s, which was left half-made", s.name)
		if err := s.delete(); err != nil {
			return nil, err
		}
	}
	return s.create(ctx)
}

// reuse connects to a cluster that was made earlier, starting its nodes if need be.
func (s *session) reuse(ctx context.Context, made record) (*cluster.Cluster, error) {
	wanted, err := s.provider.wanted()
	if err != nil {
		return nil, err
	}
	if difference := made.changed(wanted); difference != "" {
		s.progress("kind cluster %s is used as it is, though %s: stagegate env down --cluster-name %s has it made anew", s.name, difference, s.short)
	}
	running, err := s.nodesRunning(ctx)
	if err != nil {
		return nil, err
	}
	if !running {
		s.progress("starting the nodes of kind cluster %s", s.name)
		if err := s.startNodes(ctx); err != nil {
			return nil, err
		}
	}
	if err := s.writeKubeconfig(); err != nil { // the published port changes with a start
		return nil, err
	}
	c, err := s.connect(ctx, answerWait)
	if err != nil && ctx.Err() == nil { // nodes that have just been started, by whomever, take a while
		s.progress("kind cluster %s: its API does not answer yet: waiting up to %s for it", s.name, startWait)
		c, err = s.connect(ctx, startWait)
	}
	if err != nil {
		return nil, fmt.Errorf("its API does not answer; destroy it (stagegate env down) and try again: %w", err)
	}
	if c.UID != made.UID {
		return nil, s.foreign()
	}
	return c, nil
}

func (s *session) foreign() error {
	return fmt.Errorf("it was not made by stagegate: delete it yourself (kind delete cluster --name %s) or use another cluster name", s.name)
}

// connect waits for the API to answer.
func (s *session) connect(ctx context.Context, wait time.Duration) (*cluster.Cluster, error) {
	rest, err := s.restConfig()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		id, err := cluster.Identify(ctx, rest)
		if err == nil {
			return &cluster.Cluster{
				Name: s.short, Provider: "kind", UID: id.UID, Version: id.Version,
				Kubeconfig: s.kubeconfig(), REST: rest, Best: reach.Live, Disposable: true,
				Release: func(context.Context) error { return nil },
			}, nil
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(err, ctx.Err())
		case <-time.After(pollInterval):
		}
	}
}

// Status looks without touching.
func (p *Provider) Status(ctx context.Context, name string) (cluster.Status, error) {
	s, err := p.look(ctx, name)
	if err != nil {
		return cluster.Status{}, err
	}
	exists, err := s.exists()
	if err != nil {
		return cluster.Status{}, fmt.Errorf("kind cluster %s: %w", s.name, err)
	}
	if !exists {
		return cluster.Status{State: cluster.Absent}, nil
	}
	made, err := s.record()
	switch {
	case err != nil:
		return cluster.Status{State: cluster.Broken, Detail: err.Error()}, nil
	case made.UID == "":
		return cluster.Status{State: cluster.Broken, Detail: "left half-made; it will be made anew"}, nil
	}
	return s.status(ctx, made), nil
}

func (s *session) status(ctx context.Context, made record) cluster.Status {
	running, err := s.nodesRunning(ctx)
	if err != nil {
		return cluster.Status{State: cluster.Broken, Detail: err.Error()}
	}
	if !running {
		return cluster.Status{State: cluster.Stopped, Detail: "its node containers are stopped"}
	}
	c, err := s.connect(ctx, statusWait)
	switch {
	case err != nil:
		return cluster.Status{State: cluster.Broken, Detail: "its API does not answer: " + err.Error()}
	case c.UID != made.UID:
		return cluster.Status{State: cluster.Broken, Detail: s.foreign().Error()}
	}
	return cluster.Status{State: cluster.Running, UID: c.UID, Version: c.Version, Detail: "kind cluster " + s.name}
}

// Destroy deletes the cluster with its containers, kubeconfig and record. One that
// stagegate did not make is refused.
func (p *Provider) Destroy(ctx context.Context, name string, progress cluster.Progress) error {
	s, err := p.open(ctx, name, progress)
	if err != nil {
		return err
	}
	defer s.unlock()
	if err := s.destroy(ctx); err != nil {
		return fmt.Errorf("destroying kind cluster %s: %w", s.name, err)
	}
	return nil
}

func (s *session) destroy(ctx context.Context) error {
	exists, err := s.exists()
	if err != nil {
		return err
	}
	if exists {
		made, err := s.record()
		if err != nil {
			return err
		}
		if made.UID != "" && s.answersAsAnother(ctx, made) {
			return s.foreign()
		}
		s.progress("deleting kind cluster %s", s.name)
		if err := s.delete(); err != nil {
			return err
		}
	}
	return s.forget()
}

// answersAsAnother tells whether the cluster of this name is not the one that was made. A
// cluster that does not answer at all is taken for the one on record.
func (s *session) answersAsAnother(ctx context.Context, made record) bool {
	if err := s.writeKubeconfig(); err != nil {
		return false
	}
	c, err := s.connect(ctx, statusWait)
	return err == nil && c.UID != made.UID
}

func (s *session) exists() (bool, error) {
	nodes, err := s.kind.ListNodes(s.name)
	if err != nil {
		return false, s.engine.explain(fmt.Errorf("listing its nodes: %w", err))
	}
	return len(nodes) > 0, nil
}

// delete deletes the cluster until no container of it is listed: an engine may be at work
// on one still, for a process that was killed, and then takes no notice of the deletion.
func (s *session) delete() error {
	for limit := time.Now().Add(deleteWait); ; time.Sleep(deleteRetry) {
		if err := s.kind.Delete(s.name, s.kubeconfig()); err != nil {
			return s.engine.explain(err)
		}
		left, err := s.exists()
		switch {
		case err != nil || !left:
			return err
		case time.Now().After(limit):
			return errors.New("its containers are still there after they were deleted: delete them with the container engine")
		}
	}
}

func (s *session) createOptions() []kindcluster.CreateOption {
	options := []kindcluster.CreateOption{
		kindcluster.CreateWithKubeconfigPath(s.kubeconfig()),
		kindcluster.CreateWithWaitForReady(createWait),
		kindcluster.CreateWithDisplayUsage(false),
		kindcluster.CreateWithDisplaySalutation(false),
	}
	if s.provider.image != "" {
		options = append(options, kindcluster.CreateWithNodeImage(s.provider.image))
	}
	if s.provider.config != "" {
		options = append(options, kindcluster.CreateWithConfigFile(s.provider.config))
	}
	return options
}
