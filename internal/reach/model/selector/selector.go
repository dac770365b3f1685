// Package selector has Calico's selector expressions.
// Syntax: https://docs.tigera.io/calico/latest/reference/resources/networkpolicy#selector
package selector

import (
	"fmt"
	"slices"
	"strings"
)

// Labels finds the value of a label.
type Labels interface {
	Get(key string) (value string, ok bool)
}

// Map is labels in a map.
type Map map[string]string

// Get implements Labels.
func (m Map) Get(key string) (string, bool) {
	v, ok := m[key]
	return v, ok
}

// Selector is a parsed expression.
type Selector struct{ root node }

// Matches evaluates the expression.
func (s *Selector) Matches(l Labels) bool { return s.root.matches(l) }

// String is the expression in canonical form; parsing it gives an equal selector.
func (s *Selector) String() string { return s.root.String() }

// Keys calls each for every label key that the expression looks at.
func (s *Selector) Keys(each func(key string)) { s.root.keys(each) }

// Global tells whether the expression uses global().
func (s *Selector) Global() bool { return s.root.global() }

// Namespaced is the expression as a namespaceSelector has it: all() is everything that is
// in a namespace.
func (s *Selector) Namespaced() *Selector { return &Selector{s.root.namespaced()} }

type node interface {
	matches(Labels) bool
	namespaced() node
	keys(func(string))
	global() bool
	String() string
}

// everything is all(); global() where world is set, which matches what has no namespace.
type everything struct{ world bool }

// NamespaceLabel is the label that Calico gives to everything that is in a namespace.
const NamespaceLabel = "projectcalico.org/namespace"

func (e everything) matches(l Labels) bool {
	if !e.world {
		return true
	}
	_, namespaced := l.Get(NamespaceLabel)
	return !namespaced
}

func (e everything) keys(each func(string)) {
	if e.world {
		each(NamespaceLabel)
	}
}

func (e everything) namespaced() node {
	if e.world {
		return e
	}
	return has(NamespaceLabel)
}
func (e everything) global() bool { return e.world }
func (e everything) String() string {
	if e.world {
		return "global()"
	}
	return "all()"
}

// has is has(key).
type has string

func (h has) matches(l Labels) bool {
	_, ok := l.Get(string(h))
	return ok
}
func (h has) keys(each func(string)) { each(string(h)) }
func (h has) namespaced() node       { return h }
func (h has) global() bool           { return false }
func (h has) String() string         { return "has(" + string(h) + ")" }

// compare is KEY OPERATOR VALUES. The negative operators also match where the label is absent.
type compare struct {
	key, operator string
	values        []string
}

func (c compare) matches(l Labels) bool {
	v, ok := l.Get(c.key)
	switch c.operator {
	case "==", "in":
		return ok && slices.Contains(c.values, v)
	case "!=", "not in":
		return !ok || !slices.Contains(c.values, v)
	case "contains":
		return ok && strings.Contains(v, c.values[0])
	case "starts with":
		return ok && strings.HasPrefix(v, c.values[0])
	default: // ends with
		return ok && strings.HasSuffix(v, c.values[0])
	}
}
func (c compare) keys(each func(string)) { each(c.key) }
func (c compare) namespaced() node       { return c }
func (c compare) global() bool           { return false }

func (c compare) String() string {
	list := make([]string, len(c.values))
	for i, v := range c.values {
		list[i] = quote(v)
	}
	if c.operator == "in" || c.operator == "not in" {
		return fmt.Sprintf("%s %s {%s}", c.key, c.operator, strings.Join(list, ", "))
	}
	return fmt.Sprintf("%s %s %s", c.key, c.operator, list[0])
}

// quote uses the quote that does not occur: a literal never has both.
func quote(s string) string {
	if strings.Contains(s, `"`) {
		return "'" + s + "'"
	}
	return `"` + s + `"`
}

// not is !expression.
type not struct{ node }

func (n not) matches(l Labels) bool { return !n.node.matches(l) }
func (n not) namespaced() node      { return not{n.node.namespaced()} }
func (n not) String() string        { return "!(" + n.node.String() + ")" }

// group is expressions joined by && or ||.
type group struct {
	operator string
	list     []node
}

func (g group) matches(l Labels) bool {
	or := g.operator == "||"
	for _, n := range g.list {
		if n.matches(l) == or {
			return or
		}
	}
	return !or
}

func (g group) keys(each func(string)) {
	for _, n := range g.list {
		n.keys(each)
	}
}

func (g group) namespaced() node {
	out := group{operator: g.operator}
	for _, n := range g.list {
		out.list = append(out.list, n.namespaced())
	}
	return out
}

func (g group) global() bool { return slices.ContainsFunc(g.list, node.global) }

func (g group) String() string {
	parts := make([]string, len(g.list))
	for i, n := range g.list {
		parts[i] = "(" + n.String() + ")"
	}
	return strings.Join(parts, " "+g.operator+" ")
}
