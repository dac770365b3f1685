package terraform

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stagegate/stagegate/internal/durable"
	"github.com/stagegate/stagegate/internal/filelock"
)

// savedLockFile keeps the dependency lock file that Terraform made for a configuration
// without one, so that later runs select the same providers.
const savedLockFile = "providers.lock.hcl"

func (w *Workspace) restoreLockFile() error {
	if w.config.Has(LockFile) {
		return nil
	}
	content, err := os.ReadFile(filepath.Join(w.dir, savedLockFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the dependency lock file: %w", err)
	}
	return os.WriteFile(filepath.Join(w.root, LockFile), content, 0o600) //nolint:gosec // in the private copy, whose path no content chooses
}

func (w *Workspace) saveLockFile() error {
	content, err := os.ReadFile(filepath.Join(w.root, LockFile))
	if errors.Is(err, fs.ErrNotExist) || err == nil && w.config.Has(LockFile) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the dependency lock file: %w", err)
	}
	return durable.Write(filepath.Join(w.dir, savedLockFile), content, 0o600)
}

// selected, in a data directory, is the workspace that was selected last.
const selected = "environment"

// initialise gets providers and modules, and connects to the state.
func (w *Workspace) initialise(ctx context.Context) error {
	// An environment that names no workspace any more is in the default one.
	if err := os.RemoveAll(filepath.Join(w.dir, "data", selected)); err != nil {
		return fmt.Errorf("leaving the workspace of before: %w", err)
	}
	w.options.Progress.send("%s %s init", w.options.Binary, w.Program.Version)
	args := []string{"init", "-no-color", "-input=false", "-reconfigure"}
	if w.config.Has(LockFile) {
		args = append(args, "-lockfile=readonly")
	}
	settings, err := w.backendFile()
	if err != nil {
		return fmt.Errorf("writing the settings of the backend: %w", err)
	}
	if settings != "" {
		defer os.Remove(settings)
		args = append(args, "-backend-config="+settings)
	}
	if err := w.initWithCache(ctx, args); err != nil {
		return fmt.Errorf("initialising %s: %w", w.config.shown, err)
	}
	if err := w.selectWorkspace(ctx); err != nil {
		return err
	}
	return errors.Join(w.saveLockFile(), w.claim(ctx))
}

// initWithCache keeps other inits from writing to the plugin cache meanwhile, since
// Terraform does not: https://developer.hashicorp.com/terraform/cli/config/config-file#provider-plugin-cache
func (w *Workspace) initWithCache(ctx context.Context, args []string) error {
	cache := w.environment()[pluginCache]
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return fmt.Errorf("making the plugin cache: %w", err)
	}
	lock, err := filelock.Wait(ctx, filepath.Join(cache, ".stagegate.lock"), func() {
		w.options.Progress.send("waiting for another run that fills the plugin cache")
	})
	if err != nil {
		return err
	}
	defer lock.Close()
	return w.run(ctx, args...)
}

// selectWorkspace selects the environment's workspace, making it on first use.
func (w *Workspace) selectWorkspace(ctx context.Context) error {
	name := w.options.Workspace
	if name == "" {
		return nil
	}
	if err := w.tf.WorkspaceSelect(ctx, name); err == nil || ctx.Err() != nil {
		return err
	}
	if err := w.tf.WorkspaceNew(ctx, name); err != nil {
		return fmt.Errorf("making workspace %s: %w", name, w.explain(err))
	}
	return nil
}
