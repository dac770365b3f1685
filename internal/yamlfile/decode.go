package yamlfile

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/agext/levenshtein"
	"go.yaml.in/yaml/v3"
)

// Decode fills in a pointer to a struct with yaml tags. What the document leaves out, or
// leaves empty, keeps its value; an empty field behind a pointer to a struct makes that
// struct. All problems are joined into one error.
func (d *Document) Decode(into any) error {
	c := checker{file: d.File}
	c.check(d.root, reflect.TypeOf(into).Elem(), "")
	if len(c.errs) > 0 {
		return errors.Join(c.errs...)
	}
	if err := d.root.Decode(into); err != nil {
		return locate(d.File, err)
	}
	return nil
}

// checker compares nodes with the types that they will be decoded into.
type checker struct {
	file string
	errs []error
}

func (c *checker) fail(n *yaml.Node, format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("%s:%d: %s", c.file, n.Line, fmt.Sprintf(format, args...)))
}

func (c *checker) check(n *yaml.Node, t reflect.Type, path string) {
	if t == reflect.TypeFor[time.Duration]() {
		c.duration(n, path)
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		c.check(n, t.Elem(), path)
	case reflect.Struct:
		c.structure(n, t, path)
	case reflect.Map:
		c.mapping(n, path, func(_ string, v *yaml.Node, at string) { c.check(v, t.Elem(), at) })
	case reflect.Slice:
		c.list(n, t.Elem(), path)
	case reflect.Interface:
		c.free(n, path)
	case reflect.Bool:
		c.scalar(n, path, "!!bool", "true or false")
	case reflect.Int:
		c.scalar(n, path, "!!int", "a whole number")
	default:
		c.scalar(n, path, "!!str", "a string")
	}
}

func (c *checker) scalar(n *yaml.Node, path, tag, want string) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == tag {
		return
	}
	remedy := ""
	if tag == "!!str" && n.Kind == yaml.ScalarNode && !isNull(n) {
		remedy = fmt.Sprintf(": put it in quotes: %q", n.Value)
	}
	c.fail(n, "%s must be %s, not %s%s", path, want, kindName(n), remedy)
}

func (c *checker) duration(n *yaml.Node, path string) {
	const remedy = "write it like 30s, 5m or 1h30m"
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
		c.fail(n, "%s must be a duration, not %s: %s", path, kindName(n), remedy)
		return
	}
	switch v, err := time.ParseDuration(n.Value); {
	case err != nil:
		c.fail(n, "%s: %q is not a duration: %s", path, n.Value, remedy)
	case v < 0:
		c.fail(n, "%s: %q is negative: %s", path, n.Value, remedy)
	}
}

func (c *checker) structure(n *yaml.Node, t reflect.Type, path string) {
	fields := fieldsOf(t)
	var kept []*yaml.Node
	c.mapping(n, path, func(name string, v *yaml.Node, at string) {
		field, ok := fields[name]
		switch {
		case !ok:
			c.fail(v, "%s is not a field%s", at, suggest(name, slices.Sorted(maps.Keys(fields))))
			return
		case isNull(v) && (field.Kind() == reflect.Pointer || field.Kind() == reflect.Struct):
			*v = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: v.Line, Column: v.Column}
		case isNull(v):
			return
		}
		kept = append(kept, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name, Line: v.Line}, v)
		c.check(v, field, at)
	})
	n.Content = kept
}

// mapping visits the fields of a mapping, each name once.
func (c *checker) mapping(n *yaml.Node, path string, visit func(name string, v *yaml.Node, at string)) {
	if n.Kind != yaml.MappingNode {
		c.fail(n, "%s must have fields, not be %s", path, kindName(n))
		return
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str" {
			c.fail(key, "%s has a field name that is %s: only plain strings are field names (merge keys are not supported)", orDocument(path), kindName(key))
			continue
		}
		at := join(path, key.Value)
		if first, twice := lines[key.Value]; twice {
			c.fail(key, "%s is already set in line %d: remove one of the two", at, first)
			continue
		}
		lines[key.Value] = key.Line
		visit(key.Value, v, at)
	}
}

func (c *checker) list(n *yaml.Node, elem reflect.Type, path string) {
	if n.Kind != yaml.SequenceNode {
		c.fail(n, "%s must be a list, not %s", path, kindName(n))
		return
	}
	for i, v := range n.Content {
		c.check(v, elem, fmt.Sprintf("%s[%d]", path, i))
	}
}

// free checks a value that may be of any of the types of JSON.
func (c *checker) free(n *yaml.Node, path string) {
	switch n.Kind {
	case yaml.MappingNode:
		c.mapping(n, path, func(_ string, v *yaml.Node, at string) { c.free(v, at) })
		return
	case yaml.SequenceNode:
		c.list(n, reflect.TypeFor[any](), path)
		return
	}
	switch n.ShortTag() {
	case "!!timestamp": // a date without quotes is the text that was written
		n.Tag = "!!str"
	case "!!float":
		if strings.Contains(strings.ToLower(n.Value), "nan") || strings.Contains(strings.ToLower(n.Value), "inf") {
			c.fail(n, "%s: %s is not a number that can be handed on: put it in quotes", path, n.Value)
		}
	case "!!str", "!!int", "!!bool", "!!null":
	default:
		c.fail(n, "%s must be a string, a number, true or false, a list or fields, not %s", path, kindName(n))
	}
}

// fieldsOf maps the yaml names of a struct's fields to their types.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if name != "" && name != "-" {
			fields[name] = t.Field(i).Type
		}
	}
	return fields
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func orDocument(path string) string {
	if path == "" {
		return "the document"
	}
	return path
}

// suggest ends a sentence about an unknown name with what may have been meant.
func suggest(name string, known []string) string {
	if near := Nearest(name, known); near != "" {
		return fmt.Sprintf(": did you mean %s?", near)
	}
	if len(known) == 0 {
		return ": nothing can be set here"
	}
	return ": the fields are " + strings.Join(known, ", ")
}

// Nearest is the known name most like the given one, or empty where none is.
func Nearest(name string, known []string) string {
	best, bestDistance := "", len(name)/3+1
	for _, k := range known {
		d := levenshtein.Distance(strings.ToLower(name), strings.ToLower(k), nil)
		if d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}
