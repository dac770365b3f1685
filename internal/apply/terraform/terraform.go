// Package terraform carries Terraform configurations out: a plan that is saved and bound
// to its inputs, the very same plan applied, and a revert that plans and applies what was
// in force before.
package terraform

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/tree"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/terraform"
)

// Options are what the back end needs beside the change.
type Options struct {
	Home        string // where the private directories of all environments lie
	Cache       string // where plugins and programs are kept
	Environment *config.Environment
	Kubeconfig  string // of the environment's cluster alone
	ClusterUID  string // that cluster's identity
	// AllowDelete are the addresses of clusters and node groups that may be deleted.
	AllowDelete []string
}

// Backend plans, applies and takes back Terraform configurations in one environment.
type Backend struct {
	options  Options
	jobs     map[change.Part]*job
	progress apply.Progress
}

var _ apply.Backend = (*Backend)(nil)

// New makes the back end for Terraform configurations.
func New(o Options) *Backend { return &Backend{options: o, jobs: map[change.Part]*job{}} }

// job is one part at work: its private directory, open, and its plan.
type job struct {
	part      change.Part
	config    *terraform.Config
	key       string
	workspace *terraform.Workspace
	plan      *terraform.Plan
	set       change.Set
}

// Report sets where progress goes while there is no other place for it: during Plan.
func (b *Backend) Report(progress apply.Progress) { b.progress = progress }

// Plan plans the configuration, with its variables, and saves the plan for Apply. What
// must not be carried out is among the set's failures.
func (b *Backend) Plan(ctx context.Context, part change.Part, target change.Target, pending *apply.Pending) (change.Set, error) {
	j, err := b.open(ctx, part, target)
	if err != nil {
		return change.Set{}, err
	}
	if err := b.plan(ctx, j); err != nil {
		return change.Set{}, err
	}
	announce(j.plan, pending)
	return j.set, nil
}

// open reads the part's configuration into its private directory, once for each part.
func (b *Backend) open(ctx context.Context, part change.Part, target change.Target) (*job, error) {
	if j, ok := b.jobs[part]; ok {
		return j, nil
	}
	p, ok := part.(interface{ Config() *terraform.Config })
	if !ok {
		return nil, fmt.Errorf("a part of kind %s is no Terraform configuration", part.Kind())
	}
	j := &job{part: part, config: p.Config(), key: terraform.Key(p.Config().Root)}
	var err error
	if j.workspace, err = terraform.Open(ctx, j.config, b.runOptions(j.key, inputs{ClusterName: target.ClusterName, Variables: target.Variables}, b.varFiles())); err != nil {
		return nil, err
	}
	b.jobs[part] = j
	return j, nil
}

// plan makes the plan of a job. Conditions that do not hold are the change's failures.
func (b *Backend) plan(ctx context.Context, j *job) error {
	plan, err := j.workspace.Plan(ctx, terraform.PlanOptions{})
	var conditions *terraform.ConditionError
	if errors.As(err, &conditions) {
		j.set = change.Set{Failures: conditions.Failures}
		return nil
	}
	if err != nil {
		return err
	}
	j.plan = plan
	d := describer{part: j.part.Name(), redact: j.workspace.Redact}
	j.set = change.Set{Items: d.items(plan.Plan), Failures: protect(plan.Plan, b.options.AllowDelete)}
	s, err := summarise(j)
	j.set.Summaries = []change.Summary{s}
	return err
}

// inputs are what the environment has for a configuration, as it is kept for later.
type inputs struct {
	ClusterName string         `json:"clusterName"`
	Variables   map[string]any `json:"variables"`
	Files       []tree.File    `json:"files,omitempty"` // of variables
}

// varFiles are the environment's, as they are now.
func (b *Backend) varFiles() terraform.VarFiles {
	return terraform.FilesAt(b.options.Environment.Paths(b.options.Environment.Terraform.VarFiles))
}

func (b *Backend) runOptions(key string, in inputs, files terraform.VarFiles) terraform.Options {
	env := b.options.Environment
	return terraform.Options{
		Home: b.options.Home, Cache: b.options.Cache, Environment: env.Name, EnvironmentDir: filepath.Dir(env.File),
		ClusterName: in.ClusterName, Variables: in.Variables, VarFiles: files,
		Binary: env.Terraform.Binary, Version: env.Terraform.Version,
		BackendConfig: env.Terraform.BackendConfig, Workspace: env.Terraform.Workspace,
		Kubeconfig: b.options.Kubeconfig, Key: key,
		Progress: func(format string, args ...any) { b.progress.Note(fmt.Sprintf(format, args...)) },
	}
}

// Close removes saved plans and gives the private directories free.
func (b *Backend) Close(context.Context) error {
	var errs []error
	for _, j := range b.jobs {
		errs = append(errs, j.workspace.Close())
	}
	clear(b.jobs)
	return errors.Join(errs...)
}
