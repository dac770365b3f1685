// Package terraform makes and finds clusters with Terraform: one configuration for all
// environments, which the variable cluster_name tells apart.
//
// A cluster that is there is only looked at: its outputs are read, and nothing is planned
// or applied, whatever has changed in the configuration since. Changing a cluster is a
// change like any other, and goes through the gate.
package terraform

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/filelock"
	"github.com/stagegate/stagegate/internal/terraform"
)

const (
	createWait   = 15 * time.Minute // for the API of a cluster that was made just now
	answerWait   = 30 * time.Second // for the API of one that is there
	statusWait   = 3 * time.Second
	pollInterval = time.Second
)

// Options are what the provider needs beside its environment.
type Options struct {
	Environment *config.Environment
	Dir         string // for kubeconfig files and records
	Home        string // where the private copies of all environments lie
	Cache       string // where plugins and programs are kept
}

// Provider makes and finds the cluster of one environment.
type Provider struct {
	options Options
	spec    config.TerraformProvider
	dir     string
}

var _ cluster.Provider = (*Provider)(nil)

// New returns the provider of an environment: a cluster.Destroyer too, unless the
// environment is a production one, which needs the evidence of others first.
func New(o Options) cluster.Provider {
	p := &Provider{options: o, spec: *o.Environment.Provider.Terraform, dir: filepath.Join(o.Dir, o.Environment.Name)}
	if o.Environment.IsProduction() {
		return p
	}
	return &disposable{p}
}

// Ensure returns the cluster, with an API that answers. One that is absent is made: that of
// a production environment only with keep, which is how a user asks for it by name.
func (p *Provider) Ensure(ctx context.Context, name string, keep bool, progress cluster.Progress) (*cluster.Cluster, error) {
	s, err := p.open(ctx, name, progress)
	if err != nil {
		return nil, p.wrap(err)
	}
	c, err := s.ensure(ctx, keep)
	if err = errors.Join(err, s.close()); err != nil {
		return nil, p.wrap(err)
	}
	return c, nil
}

func (p *Provider) wrap(err error) error {
	return fmt.Errorf("environment %s: its Terraform cluster: %w", p.options.Environment.Name, err)
}

// Status looks at what is recorded here and asks the cluster; Terraform is not run.
func (p *Provider) Status(ctx context.Context, name string) (cluster.Status, error) {
	if err := p.check(name); err != nil {
		return cluster.Status{}, p.wrap(err)
	}
	r, err := p.record()
	switch {
	case err != nil:
		return cluster.Status{State: cluster.Broken, Detail: err.Error()}, nil
	case r == nil:
		return cluster.Status{State: cluster.Absent, Detail: "not used from here yet"}, nil
	case r.Making:
		return cluster.Status{State: cluster.Broken, Detail: "left half-made: stagegate env up goes on with it"}, nil
	}
	rest, err := p.restConfig()
	if err != nil {
		return cluster.Status{State: cluster.Broken, Detail: err.Error()}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, statusWait)
	defer cancel()
	id, err := cluster.Identify(ctx, rest)
	if err == nil {
		err = r.recognise(id.UID)
	}
	if err != nil {
		return cluster.Status{State: cluster.Broken, Detail: err.Error()}, nil
	}
	return cluster.Status{State: cluster.Running, UID: id.UID, Version: id.Version, Detail: "at " + rest.Host}, nil
}

// check refuses a cluster name that is not the environment's: its state has one cluster.
func (p *Provider) check(name string) error {
	if name != p.options.Environment.ClusterName {
		return fmt.Errorf("the cluster name is %q, and that of the environment is %q: use that", name, p.options.Environment.ClusterName)
	}
	return nil
}

// session is one use of the configuration, with its private directory open.
type session struct {
	*Provider
	name      string
	progress  cluster.Progress
	config    *terraform.Config
	workspace *terraform.Workspace
	lock      *os.File
}

func (p *Provider) open(ctx context.Context, name string, progress cluster.Progress) (*session, error) {
	if err := p.check(name); err != nil {
		return nil, err
	}
	config, err := terraform.Read(p.options.Environment.Path(p.spec.Directory))
	if err != nil {
		return nil, err
	}
	return p.openWith(ctx, name, config, progress)
}

// openWith initialises a configuration, once no other stagegate works on the cluster.
func (p *Provider) openWith(ctx context.Context, name string, config *terraform.Config, progress cluster.Progress) (*session, error) {
	if progress == nil {
		progress = func(string, ...any) {}
	}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the state directory: %w", err)
	}
	lock, err := filelock.Wait(ctx, p.dir+".lock", func() { progress("waiting for another stagegate that works on this cluster") })
	if err != nil {
		return nil, err
	}
	s := &session{Provider: p, name: name, progress: progress, config: config, lock: lock}
	if s.workspace, err = terraform.Open(ctx, config, p.runOptions(terraform.Progress(progress))); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *session) close() error {
	var err error
	if s.workspace != nil {
		err = s.workspace.Close()
	}
	return errors.Join(err, s.lock.Close())
}

func (p *Provider) runOptions(progress terraform.Progress) terraform.Options {
	env := p.options.Environment
	o := terraform.Options{
		Home: p.options.Home, Cache: p.options.Cache, Environment: env.Name, EnvironmentDir: filepath.Dir(env.File),
		ClusterName: env.ClusterName, Variables: env.Variables,
		Binary: env.Terraform.Binary, Version: env.Terraform.Version,
		BackendConfig: env.Terraform.BackendConfig, Workspace: env.Terraform.Workspace,
		Key: terraform.ClusterKey, Progress: progress,
	}
	if len(p.spec.BackendConfig) > 0 {
		o.BackendConfig = p.spec.BackendConfig
	}
	o.VarFiles = terraform.FilesAt(env.Paths(env.Terraform.VarFiles))
	return o
}
