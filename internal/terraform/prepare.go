package terraform

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/terraform-exec/tfexec"
)

// prepare writes everything that Terraform will find in the private directory.
func (w *Workspace) prepare() error {
	var err error
	if w.root, err = w.config.copyTo(filepath.Join(w.dir, "configuration")); err != nil {
		return err
	}
	for _, step := range []func() error{w.savePlace, w.writeBackend, w.restoreLockFile, w.clear, w.writeNoCluster, w.addGiven} {
		if err := step(); err != nil {
			return err
		}
	}
	if w.tf, err = tfexec.NewTerraform(w.root, w.Program.Path); err != nil {
		return fmt.Errorf("preparing Terraform: %w", err)
	}
	return w.tf.SetEnv(w.environment())
}

// clear removes what a process that was killed has left: its plans and settings, in which
// there are secrets.
func (w *Workspace) clear() error {
	if err := errors.Join(os.RemoveAll(filepath.Join(w.dir, "plans")), os.RemoveAll(filepath.Join(w.dir, settingsFile))); err != nil {
		return fmt.Errorf("clearing the private directory for Terraform: %w", err)
	}
	for _, dir := range []string{"data", "plans"} {
		if err := os.MkdirAll(filepath.Join(w.dir, dir), 0o700); err != nil {
			return fmt.Errorf("making the private directory for Terraform: %w", err)
		}
	}
	return nil
}

func (w *Workspace) writeNoCluster() error {
	if err := os.WriteFile(filepath.Join(w.dir, noCluster), []byte("apiVersion: v1\nkind: Config\n"), 0o600); err != nil {
		return fmt.Errorf("writing a kubeconfig that names no cluster: %w", err)
	}
	return nil
}
