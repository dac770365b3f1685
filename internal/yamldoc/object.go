package yamldoc

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stagegate/stagegate/internal/snapshot"
)

// object adds one object. The kind and version of its list stand in where it has none.
func (d *decoder) object(n *yaml.Node, apiVersion, kind string) {
	c := converter{budget: MaxObject}
	value, err := c.convert(n, 0)
	if err != nil {
		d.failAny(n, err)
		return
	}
	content, ok := value.(map[string]any)
	if !ok {
		d.fail(errorAt(n, "not a Kubernetes object: expected fields such as apiVersion, kind and metadata"))
		return
	}
	fillIn(content, "apiVersion", apiVersion)
	fillIn(content, "kind", kind)
	if err := validate(n, content); err != nil {
		d.fail(err)
		return
	}
	d.objects = append(d.objects, snapshot.Object{
		Unstructured: &unstructured.Unstructured{Object: content},
		Source:       fmt.Sprintf("%s:%d", d.name, n.Line),
	})
}

func (d *decoder) failAny(n *yaml.Node, err error) {
	var at *lineError
	if !errors.As(err, &at) {
		at = errorAt(n, "%v", err)
	}
	d.fail(at)
}

func (d *decoder) list(root, items *yaml.Node) {
	kind, apiVersion := scalarField(root, "kind"), scalarField(root, "apiVersion")
	itemKind := strings.TrimSuffix(kind, "List")
	if itemKind == "" { // a List of anything: each item says what it is
		apiVersion = ""
	}
	for _, item := range items.Content {
		if item.Kind == yaml.AliasNode {
			item = item.Alias
		}
		d.object(item, apiVersion, itemKind)
	}
}

// listItems returns the items of a List, PodList and so on, whatever else has items.
func listItems(root *yaml.Node) (*yaml.Node, bool) {
	items := field(root, "items")
	list := strings.HasSuffix(scalarField(root, "kind"), "List")
	if !list || items == nil || items.Kind != yaml.SequenceNode {
		return nil, false
	}
	return items, true
}

func fillIn(content map[string]any, key, value string) {
	if _, ok := content[key]; !ok && value != "" {
		content[key] = value
	}
}

// validate checks what every object has to have, and the types of metadata that client
// libraries would otherwise read as absent.
func validate(n *yaml.Node, content map[string]any) *lineError {
	for _, key := range []string{"apiVersion", "kind"} {
		if s, ok := content[key].(string); !ok || s == "" {
			return errorAt(at(n, key), "%s is missing or no text: every Kubernetes object has one", key)
		}
	}
	what, meta := content["kind"], at(n, "metadata")
	metadata, ok := content["metadata"].(map[string]any)
	if !ok {
		return errorAt(meta, "%s has no metadata: give it a metadata.name", what)
	}
	for _, key := range []string{"name", "namespace"} {
		if _, ok := metadata[key].(string); !ok && metadata[key] != nil {
			return errorAt(at(meta, key), "metadata.%s is no text but %v: quote it", key, metadata[key])
		}
	}
	if metadata["name"] == nil || metadata["name"] == "" {
		return errorAt(meta, "%s has no metadata.name: give it one (generateName is not supported)", what)
	}
	for _, key := range []string{"labels", "annotations"} {
		if err := validateStrings(at(meta, key), "metadata."+key, metadata[key]); err != nil {
			return err
		}
	}
	return nil
}

func validateStrings(n *yaml.Node, path string, value any) *lineError {
	if value == nil {
		return nil
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return errorAt(n, "%s is no mapping", path)
	}
	for key, v := range fields {
		if _, ok := v.(string); !ok {
			return errorAt(at(n, key), "%s: the value of %q is no text: quote it", path, key)
		}
	}
	return nil
}

// field returns the value under a key that stands in the mapping itself, or nil.
func field(n *yaml.Node, key string) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func scalarField(n *yaml.Node, key string) string {
	if f := field(n, key); f != nil && f.Kind == yaml.ScalarNode {
		return f.Value
	}
	return ""
}

// at is the field if it stands there, for its line, and else what it should stand in.
func at(n *yaml.Node, key string) *yaml.Node {
	if f := field(n, key); f != nil {
		return f
	}
	return n
}
