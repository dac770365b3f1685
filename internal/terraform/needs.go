package terraform

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/tree"
)

// needs is a digest of all that init reads: the program, the backend and its settings, the
// lock file, and which modules and providers the configuration asks for. Where it is as it
// was, the data directory is what another init would make of it.
func (w *Workspace) needs() (change.Digest, error) {
	h := change.NewHash("terraform init")
	settings, err := json.Marshal([]any{w.Program, w.options.BackendConfig, w.options.Workspace})
	if err != nil {
		return "", err
	}
	h.Add("settings", settings)
	for _, name := range []string{overrideFile, LockFile} {
		content, err := os.ReadFile(filepath.Join(w.root, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("reading the copy of the configuration: %w", err)
		}
		h.Add(name, content)
	}
	for module, lines := range asksFor(w.config.Files) {
		h.Add("module "+module, []byte(strings.Join(lines, "\n")))
	}
	h.Sort()
	return h.Sum(), nil
}

// asksFor is what each module asks for, in order, once; in which of its files does not
// matter, but for those that override others.
func asksFor(files []tree.File) map[string][]string {
	all := map[string][]string{}
	for _, f := range files {
		module := path.Dir(f.Name)
		if isOverride(path.Base(f.Name)) {
			module = f.Name
		}
		if lines := asked(f); len(lines) > 0 {
			all[module] = append(all[module], lines...)
		}
	}
	for module, lines := range all {
		slices.Sort(lines)
		all[module] = slices.Compact(lines)
	}
	return all
}

// asked is what in a file is init's concern; of what is not understood here, all.
func asked(f tree.File) []string {
	if isTest := strings.Contains(f.Name, ".tftest.") || strings.Contains(f.Name, ".tofutest."); isTest || isSource(f.Name) && strings.HasSuffix(f.Name, ".json") {
		return []string{string(f.Content)}
	}
	if !isSource(f.Name) {
		return nil
	}
	file, diagnostics := hclsyntax.ParseConfig(f.Content, f.Name, hcl.InitialPos)
	body, ok := file.Body.(*hclsyntax.Body)
	if diagnostics.HasErrors() || !ok {
		return []string{string(f.Content)}
	}
	return askedIn(body.Blocks, f.Content)
}

func askedIn(blocks hclsyntax.Blocks, content []byte) []string {
	var lines []string
	for _, b := range blocks {
		lines = append(lines, askedBy(b, content)...)
	}
	return lines
}

func askedBy(b *hclsyntax.Block, content []byte) []string {
	written := func(name string) string {
		if a, ok := b.Body.Attributes[name]; ok {
			return string(a.Expr.Range().SliceBytes(content))
		}
		return ""
	}
	switch b.Type {
	case "variable", "locals", "output", "moved", "assert":
		return nil
	case "check":
		return askedIn(b.Body.Blocks, content)
	case "resource", "data", "ephemeral":
		if len(b.Labels) > 0 {
			provider, _, _ := strings.Cut(b.Labels[0], "_")
			return []string{"provider " + provider + " " + written("provider")}
		}
	case "module":
		return []string{fmt.Sprintf("module %q %s %s", b.Labels, written("source"), written("version"))}
	}
	return []string{string(b.Range().SliceBytes(content))}
}
