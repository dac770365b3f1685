package terraform

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/stagegate/stagegate/internal/change"
)

// variables are what Terraform is given: those of the environment that are declared, the
// cluster name always, and the kubeconfig's path where it is asked for.
func (w *Workspace) variables() map[string]any {
	given := map[string]any{}
	declared := w.config.Module.Variables
	for name, value := range w.options.Variables {
		if _, ok := declared[name]; ok {
			given[name] = value
		}
	}
	for _, name := range []string{"kubeconfig", "kubeconfig_path"} {
		if _, ok := declared[name]; ok && w.options.Kubeconfig != "" {
			given[name] = w.options.Kubeconfig
		}
	}
	given[ClusterName] = w.options.ClusterName
	return given
}

// variablesFile writes the variables for one plan. They may be secret, so they are handed
// on in a file of one's own, and not on the command line.
func (w *Workspace) variablesFile() (string, error) {
	content, err := json.Marshal(w.variables())
	if err != nil {
		return "", fmt.Errorf("writing the variables: %w", err)
	}
	name := filepath.Join(w.dir, "plans", "variables.tfvars.json")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		return "", fmt.Errorf("writing the variables: %w", err)
	}
	return name, nil
}

// variablesDigest covers the variables and the contents of the environment's files of them.
func (w *Workspace) variablesDigest() (change.Digest, error) {
	h := change.NewHash("terraform variables")
	content, err := json.Marshal(w.variables())
	if err != nil {
		return "", err
	}
	h.Add("variables", content)
	for _, file := range w.options.VarFiles {
		content, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("reading spec.terraform.varFiles: %w", err)
		}
		h.Add("file", content)
	}
	return h.Sum(), nil
}
