package bundle

import (
	"fmt"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/tree"
)

// source is the entry as a user would name it on the command line.
func (e entry) source(dir string) (change.Source, error) {
	switch {
	case e.Helm != nil:
		return e.Helm.source(dir)
	case e.Kustomize != "":
		return local(dir, e.Kustomize, change.Kustomize)
	case e.Terraform != "":
		return local(dir, e.Terraform, change.Terraform)
	}
	return local(dir, e.Manifest, change.Manifest)
}

// local is a source of a kind in the bundle's directory. Where the path is clearly of
// another kind, that is an error: another bundle, above all.
func local(dir, path string, kind change.Kind) (change.Source, error) {
	full, err := below(dir, path)
	if err != nil {
		return change.Source{}, err
	}
	found, err := change.Detect(full)
	switch {
	case err != nil: // its loader says what is wrong with it
	case found == change.Bundle:
		return change.Source{}, fmt.Errorf("%s is a bundle, and a bundle cannot hold another: list its parts here", path)
	case found != kind:
		return change.Source{}, fmt.Errorf("%s is a %s change: write it as %s, not as %s", path, found, found, kind)
	}
	return change.Source{Path: full, Kind: kind}, nil
}

func (h *helmEntry) source(dir string) (change.Source, error) {
	s := change.Source{Path: h.Chart, Kind: change.Helm, Release: h.Release, Namespace: h.Namespace, Version: h.Version, Repository: h.Repository}
	var err error
	if h.Repository == "" && !strings.HasPrefix(h.Chart, "oci://") {
		if s.Path, err = below(dir, h.Chart); err != nil {
			return s, err
		}
	}
	for _, v := range h.Values {
		full, err := below(dir, v)
		if err != nil {
			return s, err
		}
		s.Values = append(s.Values, full)
	}
	s.Set, err = settings(&h.Set)
	return s, err
}

// below joins a path to the bundle's directory and refuses one that leads out of it,
// through a symbolic link too.
func below(dir, path string) (string, error) {
	if !filepath.IsLocal(path) {
		return "", fmt.Errorf("%s leads out of the bundle's directory: move it there, or apply it as a change of its own", path)
	}
	full := filepath.Join(dir, path)
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", fmt.Errorf("reading the bundle's directory: %w", err)
	}
	real, err := filepath.EvalSymlinks(full)
	if err != nil {
		return "", fmt.Errorf("%s is not in the bundle's directory: check the path", path)
	}
	if !tree.Inside(root, real) {
		return "", fmt.Errorf("%s is a symbolic link out of the bundle's directory: put the file itself in its place", path)
	}
	return full, nil
}

// settings writes the mapping "set" as Helm's --set takes it, in the order of the file.
func settings(n *yaml.Node) ([]string, error) {
	if n.Kind == 0 {
		return nil, nil
	}
	if n.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("helm.set is no mapping: write it as {key: value}")
	}
	var out []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if value.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("helm.set: %s is a list or a mapping: put it into a values file", key.Value)
		}
		text := value.Value
		if value.Tag == "!!null" {
			text = "null"
		}
		out = append(out, key.Value+"="+escaped.Replace(text))
	}
	return out, nil
}

// escaped keeps text what it is where --set would see a list.
var escaped = strings.NewReplacer(`\`, `\\`, `,`, `\,`, `{`, `\{`, `}`, `\}`)
