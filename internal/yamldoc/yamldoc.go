// Package yamldoc reads Kubernetes objects from YAML and JSON files, strictly and with
// the line of each. It means what kubectl means: YAML 1.1 booleans, merge keys, Lists
// taken apart. Nothing is substituted and no template is rendered.
package yamldoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/stagegate/stagegate/internal/snapshot"
)

// The limits of what is read. MaxObject is the request limit of etcd: a larger object
// cannot be stored in any cluster.
const (
	MaxFile   = 64 << 20     // bytes in one file
	MaxObject = 3 << 20 >> 1 // bytes of keys and values in one object, aliases expanded
	maxDepth  = 200          // levels of nesting
)

// Decode reads all objects of one file: YAML documents, or JSON, one after another. Lists
// are taken apart, empty documents left out. The Source of each object is "name:line". An
// error names the file, the line and the remedy; then no objects are returned.
func Decode(name string, content []byte) ([]snapshot.Object, error) {
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	if err := checkText(name, content); err != nil {
		return nil, err
	}
	documents := yamlDocuments
	if strings.HasSuffix(name, ".json") || json.Valid(content) {
		documents = jsonDocuments
	}
	d := decoder{name: name}
	if err := documents(content, d.document); err != nil {
		d.fail(err)
	}
	if len(d.errs) > 0 {
		return nil, errors.Join(d.errs...)
	}
	return d.objects, nil
}

func checkText(name string, content []byte) error {
	if len(content) > MaxFile {
		return fmt.Errorf("%s: the file has %d bytes, more than the %d MiB allowed: split it", name, len(content), MaxFile>>20)
	}
	if i := bytes.IndexByte(content, 0); i >= 0 {
		return fmt.Errorf("%s:%d: a binary file, not a manifest (NUL byte): remove it", name, lineAt(content, i))
	}
	if !utf8.Valid(content) {
		return fmt.Errorf("%s: not UTF-8 text: save it as UTF-8, or remove it if it is a binary file", name)
	}
	return nil
}

func lineAt(content []byte, offset int) int {
	return bytes.Count(content[:offset], []byte("\n")) + 1
}

// decoder collects the objects and the errors of one file.
type decoder struct {
	name    string
	objects []snapshot.Object
	errs    []error
}

func (d *decoder) document(root *yaml.Node) {
	if isNull(root) {
		return
	}
	if root.Kind != yaml.MappingNode {
		d.fail(&lineError{root.Line, "not a Kubernetes object: expected fields such as apiVersion, kind and metadata"})
		return
	}
	if items, list := listItems(root); list {
		d.list(root, items)
		return
	}
	d.object(root, "", "")
}

func (d *decoder) fail(err *lineError) {
	d.errs = append(d.errs, fmt.Errorf("%s:%d: %s", d.name, err.line, err.message))
}

// lineError is an error at a line of the file that is being read.
type lineError struct {
	line    int
	message string
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.message) }

func errorAt(n *yaml.Node, format string, args ...any) *lineError {
	return &lineError{n.Line, fmt.Sprintf(format, args...)}
}
