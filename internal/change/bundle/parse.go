package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/stagegate/stagegate/internal/change"
)

// file is a bundle file.
type file struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name string `yaml:"name"`
	} `yaml:"metadata"`
	Spec struct {
		Parts []entry `yaml:"parts"`
	} `yaml:"spec"`
}

// entry is one part of a bundle file: exactly one field is set.
type entry struct {
	Manifest  string     `yaml:"manifest"`
	Kustomize string     `yaml:"kustomize"`
	Terraform string     `yaml:"terraform"`
	Helm      *helmEntry `yaml:"helm"`
	line      int
}

type helmEntry struct {
	Chart      string    `yaml:"chart"`
	Release    string    `yaml:"release"`
	Namespace  string    `yaml:"namespace"`
	Values     []string  `yaml:"values"`
	Set        yaml.Node `yaml:"set"`
	Version    string    `yaml:"version"`
	Repository string    `yaml:"repository"`
}

// parse reads a bundle file strictly. Errors name the file and the line.
func parse(name string, content []byte) (*file, error) {
	d := yaml.NewDecoder(bytes.NewReader(content))
	d.KnownFields(true)
	var f file
	if err := d.Decode(&f); err != nil {
		return nil, located(name, err)
	}
	if err := d.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: more than one document: write one bundle to a file", name)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(content, &root); err != nil {
		return nil, located(name, err)
	}
	return &f, f.validate(name, root.Content[0])
}

func (f *file) validate(name string, root *yaml.Node) error {
	switch {
	case f.APIVersion != change.APIVersion:
		return fmt.Errorf("%s:%d: apiVersion is %q: write %s", name, lineOf(root, "apiVersion"), f.APIVersion, change.APIVersion)
	case f.Kind != "Change":
		return fmt.Errorf("%s:%d: kind is %q: write Change", name, lineOf(root, "kind"), f.Kind)
	case f.Metadata.Name == "":
		return fmt.Errorf("%s:%d: metadata.name is missing: give the change a name", name, lineOf(root, "metadata"))
	case len(f.Spec.Parts) == 0:
		return fmt.Errorf("%s:%d: spec.parts is empty: list what to apply, in order", name, lineOf(root, "spec", "parts"))
	}
	parts := find(root, "spec", "parts")
	for i := range f.Spec.Parts {
		f.Spec.Parts[i].line = lineOf(root, "spec", "parts")
		if parts != nil && i < len(parts.Content) { // not where a merge key (<<) brings them in
			f.Spec.Parts[i].line = parts.Content[i].Line
		}
		if err := f.Spec.Parts[i].validate(); err != nil {
			return fmt.Errorf("%s:%d: %w", name, f.Spec.Parts[i].line, err)
		}
	}
	return nil
}

func (e entry) validate() error {
	var kinds []string
	for _, k := range []struct {
		name string
		set  bool
	}{{"manifest", e.Manifest != ""}, {"helm", e.Helm != nil}, {"kustomize", e.Kustomize != ""}, {"terraform", e.Terraform != ""}} {
		if k.set {
			kinds = append(kinds, k.name)
		}
	}
	switch {
	case len(kinds) == 0:
		return fmt.Errorf("a part is empty: name a manifest, helm, kustomize or terraform change")
	case len(kinds) > 1:
		return fmt.Errorf("a part has %s: write one part for each", strings.Join(kinds, " and "))
	case e.Helm != nil && e.Helm.Chart == "":
		return fmt.Errorf("helm.chart is missing: name a directory, an archive, an oci:// reference, or a chart of helm.repository")
	}
	return nil
}

// typeError is what the YAML library says of a field, with its line.
var typeError = regexp.MustCompile(`line (\d+): (.*)`)

var unknownField = regexp.MustCompile(`^field (\S+) not found in type \S+$`)

// located turns the library's errors into file:line, one a line.
func located(name string, err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: the file is empty: write a bundle (apiVersion %s, kind Change)", name, change.APIVersion)
	}
	messages := []string{strings.TrimPrefix(err.Error(), "yaml: ")}
	var many *yaml.TypeError
	if errors.As(err, &many) {
		messages = many.Errors
	}
	var errs []error
	for _, m := range messages {
		parts := typeError.FindStringSubmatch(m)
		if parts == nil {
			errs = append(errs, fmt.Errorf("%s: %s", name, m))
			continue
		}
		text := unknownField.ReplaceAllString(parts[2], "unknown field $1: check its spelling and indentation")
		errs = append(errs, fmt.Errorf("%s:%s: %s", name, parts[1], text))
	}
	return errors.Join(errs...)
}

// find is the node at a path of keys, or nil.
func find(n *yaml.Node, path ...string) *yaml.Node {
	for _, key := range path {
		if n = child(n, key); n == nil {
			return nil
		}
	}
	return n
}

func child(n *yaml.Node, key string) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			value := n.Content[i+1]
			if value.Kind == yaml.AliasNode {
				return value.Alias
			}
			return value
		}
	}
	return nil
}

// lineOf is the line of what is at a path of keys, or of the nearest that there is.
func lineOf(root *yaml.Node, path ...string) int {
	for i := len(path); i > 0; i-- {
		if n := find(root, path[:i]...); n != nil {
			return n.Line
		}
	}
	return root.Line
}
