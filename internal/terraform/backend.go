package terraform

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/stagegate/stagegate/internal/change"
)

// Backend is where a state is kept.
type Backend struct {
	Type string `json:"type"` // "local", "s3", …
	// Digest is over its whole configuration, which may hold secrets.
	Digest      change.Digest `json:"digest"`
	Workspace   string        `json:"workspace,omitempty"` // Terraform's
	Environment string        `json:"environment"`
}

// ClusterKey is the key of the configuration that makes an environment's cluster.
const ClusterKey = "cluster"

// settingsFile has the settings of a remote backend while init reads them.
const settingsFile = "backend.tfbackend"

// overrideFile is read by Terraform after all other files.
const overrideFile = "zz_stagegate_override.tf.json"

// isLocal is true where the state is a file, which has to be a private one.
func (w *Workspace) isLocal() bool {
	return w.config.Module.Backend == "" || w.config.Module.Backend == "local"
}

// writeBackend gives a local state a private place, which outlives the copy: else staging
// and production would share it, or lose it with the copy.
func (w *Workspace) writeBackend() error {
	if !w.isLocal() {
		return nil
	}
	path := w.options.BackendConfig["path"]
	if path == "" && w.config.State != "" {
		return fmt.Errorf("%s has a local state, %s, that would serve every environment: move it to a backend, or set spec.terraform.backendConfig.path of the environment that it belongs to, to the path of its own copy of it", w.config.shown, w.config.State)
	}
	if path == "" && w.config.Module.OwnPath {
		return fmt.Errorf("%s says itself where its local state is, which would serve every environment: take path and workspace_dir out of its backend block, or set spec.terraform.backendConfig.path of environment %s to a path of its own", w.config.shown, w.options.Environment)
	}
	for name := range w.options.BackendConfig {
		if name != "path" {
			return fmt.Errorf("spec.terraform.backendConfig.%s of environment %s: the configuration %s has no backend that could take it: add a backend block to it, such as terraform { backend \"s3\" {} }", name, w.options.Environment, w.config.shown)
		}
	}
	if path == "" {
		path = filepath.Join(w.dir, "state", "terraform.tfstate")
	} else if !filepath.IsAbs(path) {
		path = filepath.Join(w.options.EnvironmentDir, path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("making the directory of the state: %w", err)
	}
	local := map[string]string{"path": path, "workspace_dir": path + ".d"}
	content, err := json.Marshal(map[string]any{"terraform": map[string]any{"backend": map[string]any{"local": local}}})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(w.root, overrideFile), content, 0o600)
}

// backendFile writes the environment's settings of a remote backend, which may be secret,
// for init to read. It is empty where there are none.
func (w *Workspace) backendFile() (string, error) {
	if w.isLocal() || len(w.options.BackendConfig) == 0 {
		return "", nil
	}
	file := hclwrite.NewEmptyFile()
	for _, name := range slices.Sorted(maps.Keys(w.options.BackendConfig)) {
		file.Body().SetAttributeValue(name, cty.StringVal(w.options.BackendConfig[name]))
	}
	name := filepath.Join(w.dir, settingsFile)
	return name, os.WriteFile(name, file.Bytes(), 0o600)
}
