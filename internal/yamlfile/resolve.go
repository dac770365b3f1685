package yamlfile

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// How much a document may hold once its aliases are resolved: a bomb of nested aliases
// passes these limits long before it costs memory.
const (
	maxNodes = 100_000
	maxDepth = 64
)

// resolve copies a tree with its aliases replaced by what they stand for.
func resolve(file string, n *yaml.Node, depth int, budget *int) (*yaml.Node, error) {
	*budget--
	if *budget < 0 || depth > maxDepth {
		return nil, fmt.Errorf("%s:%d: the document is too large or too deep once its aliases are resolved (more than %d values or %d levels): write it without aliases, or split it",
			file, n.Line, maxNodes, maxDepth)
	}
	if n.Kind == yaml.AliasNode {
		out, err := resolve(file, n.Alias, depth+1, budget)
		if err != nil {
			return nil, err
		}
		out.Line = n.Line
		return out, nil
	}
	out := *n
	out.Anchor, out.Content = "", nil
	for _, c := range n.Content {
		r, err := resolve(file, c, depth+1, budget)
		if err != nil {
			return nil, err
		}
		out.Content = append(out.Content, r)
	}
	return &out, nil
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// kindName is what a node is, for people.
func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "fields"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!str":
		return "a string"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!null":
		return "nothing"
	case "!!timestamp":
		return "a date"
	}
	return "a value of type " + n.ShortTag()
}
