package yamldoc

import (
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// converter makes plain JSON values of nodes, with int64 for integers as client-go has
// them. The budget bounds what aliases can expand to.
type converter struct{ budget int }

func (c *converter) convert(n *yaml.Node, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errorAt(n, "nested more than %d levels deep, or an alias that contains itself", maxDepth)
	}
	if c.budget -= 1 + len(n.Value); c.budget < 0 {
		return nil, errorAt(n, "the object is larger than 1.5 MiB (aliases expanded), more than a cluster can store: make it smaller")
	}
	switch n.Kind {
	case yaml.AliasNode:
		return c.convert(n.Alias, depth+1)
	case yaml.MappingNode:
		return c.mapping(n, depth)
	case yaml.SequenceNode:
		return c.sequence(n, depth)
	}
	return scalar(n)
}

func (c *converter) sequence(n *yaml.Node, depth int) (any, error) {
	out := make([]any, len(n.Content))
	for i, item := range n.Content {
		value, err := c.convert(item, depth+1)
		if err != nil {
			return nil, err
		}
		out[i] = value
	}
	return out, nil
}

func (c *converter) mapping(n *yaml.Node, depth int) (any, error) {
	out := make(map[string]any, len(n.Content)/2)
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag == "!!merge" {
			merges = append(merges, n.Content[i+1])
			continue
		}
		key, err := c.key(n.Content[i], depth)
		if err != nil {
			return nil, err
		}
		if _, ok := out[key]; ok {
			return nil, duplicate(n, i, key)
		}
		if out[key], err = c.convert(n.Content[i+1], depth+1); err != nil {
			return nil, err
		}
	}
	for _, m := range merges {
		if err := c.merge(out, m, depth+1); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func duplicate(n *yaml.Node, i int, key string) error {
	for j := 0; j < i; j += 2 {
		if n.Content[j].Value == key {
			return errorAt(n.Content[i], "duplicate key %q, already set at line %d: remove one of the two", key, n.Content[j].Line)
		}
	}
	return errorAt(n.Content[i], "duplicate key %q: remove one of the two", key)
}

// merge lays the mappings of a merge key (<<) under what is already there.
func (c *converter) merge(out map[string]any, n *yaml.Node, depth int) error {
	value, err := c.convert(n, depth)
	if err != nil {
		return err
	}
	sources, ok := value.([]any)
	if !ok {
		sources = []any{value}
	}
	for _, source := range sources {
		fields, ok := source.(map[string]any)
		if !ok {
			return errorAt(n, "a merge key (<<) takes a mapping or a list of mappings")
		}
		for k, v := range fields {
			if _, set := out[k]; !set {
				out[k] = v
			}
		}
	}
	return nil
}

// key converts a key as kubectl does: numbers and booleans become text.
func (c *converter) key(n *yaml.Node, depth int) (string, error) {
	value, err := c.convert(n, depth+1)
	if err != nil {
		return "", err
	}
	switch v := value.(type) {
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case bool:
		return strconv.FormatBool(v), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	}
	return "", errorAt(n, "a key has to be text")
}

func scalar(n *yaml.Node) (any, error) {
	switch n.Tag {
	case "!!str", "!!merge":
		if n.Style == 0 {
			return plain(n.Value), nil
		}
		return n.Value, nil
	case "!!timestamp": // text in JSON
		return n.Value, nil
	case "!!null":
		return nil, nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true"), nil
	case "!!int":
		return integer(n)
	case "!!float":
		return float(n)
	}
	return nil, errorAt(n, "the tag %s has no meaning in a Kubernetes object: remove it", n.Tag)
}

// plain reads the unquoted YAML 1.1 booleans, which kubectl knows and YAML 1.2 does not.
func plain(s string) any {
	switch s {
	case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON":
		return true
	case "n", "N", "no", "No", "NO", "off", "Off", "OFF":
		return false
	}
	return s
}

func integer(n *yaml.Node) (any, error) {
	digits := strings.ReplaceAll(n.Value, "_", "")
	if i, err := strconv.ParseInt(digits, 0, 64); err == nil {
		return i, nil
	}
	return float(n)
}

func float(n *yaml.Node) (any, error) {
	f, err := strconv.ParseFloat(strings.ReplaceAll(n.Value, "_", ""), 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, errorAt(n, "%q is no number that JSON can hold: quote it if it is text", n.Value)
	}
	return f, nil
}

func isNull(n *yaml.Node) bool {
	return n.Kind == 0 || n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}
