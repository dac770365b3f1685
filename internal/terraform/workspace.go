package terraform

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/terraform-exec/tfexec"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/filelock"
)

// oldest is the oldest Terraform whose output can be read: its machine-readable UI is of 0.15.3.
const oldest = ">= 1.1.0"

// Progress receives what Terraform is doing, a line at a time; never a secret. It may be nil.
type Progress func(format string, args ...any)

func (p Progress) send(format string, args ...any) {
	if p != nil {
		p(format, args...)
	}
}

// Options are what a run of Terraform has from its environment.
type Options struct {
	// Home is where the private copies of all environments lie.
	Home string
	// Cache is where plugins and programs are kept for all environments.
	Cache string
	// Environment is the environment's name, and EnvironmentDir the directory of its file.
	Environment    string
	EnvironmentDir string
	ClusterName    string
	Binary         string // "terraform" (also where empty) or "tofu"
	Version        string // constraint beside required_version; may be empty
	BackendConfig  map[string]string
	VarFiles       VarFiles // nil: none
	Workspace      string   // Terraform's; empty: default
	// Variables are handed on as far as the configuration declares them.
	Variables map[string]any
	// Kubeconfig is a file for the environment's cluster alone; empty where there is none yet.
	Kubeconfig string
	// Key names the configuration among those of the environment; see Key.
	Key string
	// LockTimeout is how long to wait for a state that is locked; default 10 s.
	LockTimeout time.Duration
	// Grace is how long an interrupted Terraform may take to end; default 10 min.
	Grace    time.Duration
	Progress Progress
}

// Key names a configuration by its directory: the base name, and a hash of all of it.
func Key(directory string) string {
	h := change.NewHash("terraform directory")
	h.Add("path", []byte(directory))
	return filepath.Base(directory) + "-" + h.Sum().Short()
}

// Workspace is one configuration at work for one environment, in a private directory:
//
//	lock            held as long as this, or a Terraform that outlived its parent, is at work
//	configuration/  a copy of the configuration
//	data/           TF_DATA_DIR
//	state/          the state, where the configuration names no backend of its own
//	errored/        states that could not be saved
//	plans/          saved plans, removed at the end
//	place.json      where in the copy the root module is, for people
type Workspace struct {
	Program Program
	config  *Config
	options Options
	dir     string
	root    string // of the copy
	tf      *tfexec.Terraform
	lock    *os.File
	secrets *secrets
	backend Backend
	plans   int
	// initialised is what the last init was for; see needs.
	initialised change.Digest
}

// Open makes the private copy and initialises it: the one "init" of a run.
func Open(ctx context.Context, config *Config, o Options) (*Workspace, error) {
	w := &Workspace{config: config, options: o.withDefaults(config), secrets: &secrets{}}
	w.dir = Directory(w.options.Home, w.options.Environment, w.options.Key)
	if err := w.open(ctx); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func (o Options) withDefaults(config *Config) Options {
	if o.Key == "" {
		o.Key = Key(config.Root)
	}
	if o.Binary == "" {
		o.Binary = "terraform"
	}
	if o.LockTimeout == 0 {
		o.LockTimeout = 10 * time.Second
	}
	if o.Grace == 0 {
		o.Grace = 10 * time.Minute
	}
	return o
}

func (w *Workspace) open(ctx context.Context) error {
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return fmt.Errorf("making the private directory for Terraform: %w", err)
	}
	var err error
	w.lock, err = filelock.Wait(ctx, filepath.Join(w.dir, "lock"), func() {
		w.options.Progress.send("waiting for the Terraform of another run, which is still at work in %s", w.dir)
	})
	if err != nil {
		return err
	}
	return w.start(ctx)
}

// Switch goes on with another configuration of the same directory and environment, or with
// other variables. There is another init only where that would find anything else to do.
func (w *Workspace) Switch(ctx context.Context, config *Config, o Options) error {
	w.config, w.options = config, o.withDefaults(config)
	return w.start(ctx)
}

func (w *Workspace) start(ctx context.Context) error {
	if err := w.Unsaved(); err != nil {
		return err
	}
	constraints := append([]string{oldest, w.options.Version}, w.config.Module.Required...)
	var err error
	if w.Program, err = Find(ctx, w.options.Binary, constraints, filepath.Join(w.options.Cache, "programs"), w.options.Progress); err != nil {
		return err
	}
	if err := w.prepare(); err != nil {
		return err
	}
	needs, err := w.needs()
	if err != nil || needs == w.initialised {
		return err
	}
	w.initialised = ""
	if err := w.initialise(ctx); err != nil {
		return err
	}
	w.initialised, err = w.needs() // init may have made the lock file
	return err
}

// Dir is the private directory.
func (w *Workspace) Dir() string { return w.dir }

// Tool is the program and its version.
func (w *Workspace) Tool() string { return w.options.Binary + " " + w.Program.Version }

// Close removes saved plans and gives the directory free. It may be called more than once.
func (w *Workspace) Close() error {
	var errs []error
	if w.lock != nil {
		errs = append(errs, os.RemoveAll(filepath.Join(w.dir, "plans")), w.lock.Close())
		w.lock = nil
	}
	return errors.Join(errs...)
}
