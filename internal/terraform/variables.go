package terraform

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/tree"
)

// VarFiles reads files of variables, in order.
type VarFiles func() ([]tree.File, error)

// FilesAt reads them where they lie.
func FilesAt(paths []string) VarFiles {
	return func() ([]tree.File, error) {
		var files []tree.File
		for _, path := range paths {
			content, err := os.ReadFile(path)
			if err != nil {
				return nil, fmt.Errorf("reading spec.terraform.varFiles: %w", err)
			}
			files = append(files, tree.File{Name: filepath.Base(path), Content: content})
		}
		return files, nil
	}
}

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

// given are the environment's files of variables and then its variables, which win, as they
// are at one time: what is digested is what Terraform reads.
type given []tree.File

func (w *Workspace) given() (given, error) {
	var files given
	if w.options.VarFiles != nil {
		var err error
		if files, err = w.options.VarFiles(); err != nil {
			return nil, err
		}
	}
	content, err := json.Marshal(w.variables())
	if err != nil {
		return nil, fmt.Errorf("writing the variables: %w", err)
	}
	return append(files, tree.File{Name: "variables.tfvars.json", Content: content}), nil
}

func (g given) digest() change.Digest {
	h := change.NewHash("terraform variables")
	for i, f := range g {
		h.Add(fmt.Sprintf("%d %s", i, filepath.Ext(f.Name)), f.Content)
	}
	return h.Sum()
}

// hand writes the files for one command, which is over when they are removed. They may be
// secret, so they are for nobody else, and never on the command line.
func (w *Workspace) hand(g given) (files []string, remove func(), err error) {
	dir, err := os.MkdirTemp(filepath.Join(w.dir, "plans"), "given-")
	if err != nil {
		return nil, func() {}, fmt.Errorf("writing the variables: %w", err)
	}
	remove = func() { _ = os.RemoveAll(dir) } // what is left goes with the plans
	for i, f := range g {
		name := filepath.Join(dir, fmt.Sprintf("%02d-%s", i, f.Name))
		if err := os.WriteFile(name, f.Content, 0o600); err != nil {
			return nil, remove, fmt.Errorf("writing the variables: %w", err)
		}
		files = append(files, name)
	}
	return files, remove, nil
}
