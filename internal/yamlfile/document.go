// Package yamlfile reads the YAML files that users write. Reading is strict: unknown and
// repeated fields, wrong types and oversized input are errors, and every error names file
// and line.
package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxBytes is the size of the largest file that is read.
const MaxBytes = 1 << 20

// Document is one YAML document: a mapping, with its aliases resolved.
type Document struct {
	File string
	root *yaml.Node
}

// Load reads every document of a file; empty ones are left out.
func Load(path string) ([]*Document, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	defer f.Close() // only read
	content, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return Parse(path, content)
}

// Parse is Load for content that is at hand; file is its name in errors.
func Parse(file string, content []byte) ([]*Document, error) {
	if len(content) > MaxBytes {
		return nil, fmt.Errorf("%s:1: the file is larger than %d bytes: split it", file, MaxBytes)
	}
	var docs []*Document
	for dec := yaml.NewDecoder(bytes.NewReader(content)); ; {
		var node yaml.Node
		err := dec.Decode(&node)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, locate(file, err)
		}
		doc, err := newDocument(file, &node)
		if err != nil {
			return nil, err
		}
		if doc != nil {
			docs = append(docs, doc)
		}
	}
}

// newDocument is nil for a document with nothing in it.
func newDocument(file string, node *yaml.Node) (*Document, error) {
	if node.Kind != yaml.DocumentNode || len(node.Content) == 0 || isNull(node.Content[0]) {
		return nil, nil
	}
	budget := maxNodes
	root, err := resolve(file, node.Content[0], 0, &budget)
	if err != nil {
		return nil, err
	}
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: expected fields (apiVersion, kind, …), found %s", file, root.Line, kindName(root))
	}
	return &Document{File: file, root: root}, nil
}

// Scalar is the text of a scalar field, or empty where there is none.
func (d *Document) Scalar(path ...any) string {
	if n, found := d.find(path); found && n.Kind == yaml.ScalarNode {
		return n.Value
	}
	return ""
}

// Has tells whether a field is written in the document with a value.
func (d *Document) Has(path ...any) bool {
	n, found := d.find(path)
	return found && !isNull(n)
}

// At is the place of a field as "file:line"; where the field is absent, the place of the
// innermost field around it. The path consists of field names and list indices.
func (d *Document) At(path ...any) string {
	n, _ := d.find(path)
	return fmt.Sprintf("%s:%d", d.File, n.Line)
}

func (d *Document) find(path []any) (*yaml.Node, bool) {
	n := d.root
	for _, step := range path {
		next := child(n, step)
		if next == nil {
			return n, false
		}
		n = next
	}
	return n, true
}

func child(n *yaml.Node, step any) *yaml.Node {
	switch step := step.(type) {
	case string:
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i+1]
			}
		}
	case int:
		if n.Kind == yaml.SequenceNode && step >= 0 && step < len(n.Content) {
			return n.Content[step]
		}
	}
	return nil
}

var lineInError = regexp.MustCompile(`^line (\d+): `)

// locate puts file and line in front of the errors of the YAML library.
func locate(file string, err error) error {
	lines := []string{strings.TrimPrefix(err.Error(), "yaml: ")}
	var typeError *yaml.TypeError
	if errors.As(err, &typeError) {
		lines = typeError.Errors
	}
	var errs []error
	for _, text := range lines {
		line := "1"
		if m := lineInError.FindStringSubmatch(text); m != nil {
			line, text = m[1], strings.TrimPrefix(text, m[0])
		}
		errs = append(errs, fmt.Errorf("%s:%s: %s", file, line, text))
	}
	return errors.Join(errs...)
}
