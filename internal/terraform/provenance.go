package terraform

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclparse"

	"github.com/stagegate/stagegate/internal/change"
)

// Providers are the versions that were selected, by source address.
func (w *Workspace) Providers() (map[string]string, error) {
	content, err := os.ReadFile(filepath.Join(w.root, LockFile))
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the dependency lock file: %w", err)
	}
	file, diagnostics := hclparse.NewParser().ParseHCL(content, LockFile)
	if diagnostics.HasErrors() {
		return nil, explain(diagnostics)
	}
	blocks, _, diagnostics := file.Body.PartialContent(body([]hcl.BlockHeaderSchema{{Type: "provider", LabelNames: []string{"source"}}}))
	versions := map[string]string{}
	for _, b := range blocks.Blocks {
		content, _, d := b.Body.PartialContent(body(nil, "version"))
		diagnostics = diagnostics.Extend(d)
		if a, ok := content.Attributes["version"]; ok {
			var v string
			diagnostics = diagnostics.Extend(gohcl.DecodeExpression(a.Expr, nil, &v))
			versions[b.Labels[0]] = v
		}
	}
	if diagnostics.HasErrors() {
		return nil, explain(diagnostics)
	}
	return versions, nil
}

// Modules are the digests of the modules that were installed, by their path of calls.
func (w *Workspace) Modules() (map[string]change.Digest, error) {
	content, err := os.ReadFile(filepath.Join(w.dir, "data", "modules", "modules.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]change.Digest{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading which modules were installed: %w", err)
	}
	var installed struct {
		Modules []struct{ Key, Dir string }
	}
	if err := json.Unmarshal(content, &installed); err != nil {
		return nil, fmt.Errorf("reading which modules were installed: %w", err)
	}
	digests := map[string]change.Digest{}
	for _, m := range installed.Modules {
		if m.Key == "" {
			continue // the root module
		}
		dir := m.Dir
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(w.root, dir)
		}
		if digests[m.Key], err = moduleDigest(dir); err != nil {
			return nil, err
		}
	}
	return digests, nil
}

// moduleDigest covers the files of a module's directory.
func moduleDigest(dir string) (change.Digest, error) {
	c := &Config{Root: dir, shown: dir}
	l := &lister{config: c, root: dir, shown: dir}
	if err := filepath.WalkDir(dir, l.visit); err != nil {
		return "", err
	}
	return c.Digest(), nil
}
