package terraform

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
	"sigs.k8s.io/yaml"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/printable"
	"github.com/stagegate/stagegate/internal/terraform"
)

// widest is how much of a value is shown, in runes.
const widest = 200

// unknown stands for a value that Terraform learns only when it applies.
const unknown = "(known after apply)"

// value is a value with what is known of it: marks of the same shape, true where it is
// sensitive or not known yet.
type value struct{ value, sensitive, unknown any }

// comparison compares the values of one resource before and after.
type comparison struct {
	describer
	mask   apply.Masker // of the Kubernetes object that it stands for
	fields []change.Field
}

// fields are what differs, leaf by leaf, in order of their paths. Masked is what Terraform
// marks as sensitive, and what would be masked in a manifest.
func (d describer) fields(r *tfjson.ResourceChange) []change.Field {
	before, after := r.Change.Before, r.Change.After
	c := comparison{describer: d, mask: apply.MaskerFor(objectIn(r.Type, before), objectIn(r.Type, after))}
	c.compare("", value{before, r.Change.BeforeSensitive, nil}, value{after, r.Change.AfterSensitive, r.Change.AfterUnknown}, false)
	return c.fields
}

// The attributes that hold a whole object: as a tree, or as text.
var (
	trees = []string{"manifest", "object"}
	texts = []string{"yaml_body", "yaml_body_parsed"}
)

// within is a path as it is in the object that the attribute holds.
func within(path string) string {
	first, rest, _ := strings.Cut(path, ".")
	if slices.Contains(trees, first) || slices.Contains(texts, first) {
		return rest
	}
	return cmp.Or(path, "resource")
}

func (c *comparison) compare(path string, before, after value, hidden bool) {
	marked := is(before.sensitive) || is(after.sensitive) || is(after.unknown)
	if !marked && slices.Contains(texts, path) {
		before, after = before.parsed(), after.parsed()
	}
	b, bMap := before.value.(map[string]any)
	a, aMap := after.value.(map[string]any)
	if !marked && (bMap || before.value == nil) && (aMap || after.value == nil) && (bMap || aMap) {
		for _, key := range keys(b, a, after.unknown) {
			c.compare(join(path, key), before.at(key), after.at(key), hidden || c.mask.Hides(within(path), key, b, a))
		}
		return
	}
	bList, isB := before.value.([]any)
	aList, isA := after.value.([]any)
	if !marked && isB && isA {
		for i := range max(len(bList), len(aList)) {
			c.compare(fmt.Sprintf("%s[%d]", path, i), before.element(i), after.element(i), hidden)
		}
		return
	}
	if f, differs := c.field(path, before, after, hidden); differs {
		c.fields = append(c.fields, f)
	}
}

// parsed is the object that stands in a text. A text that is none stays as it is, sensitive:
// nothing tells what is in it.
func (v value) parsed() value {
	text, ok := v.value.(string)
	if !ok || text == "" {
		return v
	}
	var object map[string]any
	if yaml.Unmarshal([]byte(text), &object) != nil {
		return value{v.value, true, v.unknown}
	}
	return value{object, nil, nil}
}

// field compares one leaf. A sensitive one says only whether it changes.
func (c *comparison) field(path string, before, after value, hidden bool) (change.Field, bool) {
	then, now := printable.Value(before.value), printable.Value(after.value)
	if is(after.unknown) {
		now = unknown
	}
	if then == now {
		return change.Field{}, false
	}
	if hidden || is(before.sensitive) || is(after.sensitive) {
		then, now = mask(then), mask(now)
	} else {
		then, now = apply.Clean(then), apply.Clean(now)
	}
	if then == now {
		now += " (changed)"
	}
	return change.Field{Path: path, Before: c.clip(then), After: c.clip(now)}, true
}

func (d describer) clip(text string) string {
	return printable.Truncate(printable.Line(d.redact(text)), widest)
}

func mask(text string) string {
	if text == "" || text == unknown {
		return text
	}
	return terraform.Masked
}

func is(mark any) bool { m, _ := mark.(bool); return m }

func (v value) at(key string) value {
	in := func(tree any) any {
		if m, ok := tree.(map[string]any); ok {
			return m[key]
		}
		return nil
	}
	return value{in(v.value), in(v.sensitive), in(v.unknown)}
}

func (v value) element(i int) value {
	in := func(tree any) any {
		if l, ok := tree.([]any); ok && i < len(l) {
			return l[i]
		}
		return nil
	}
	return value{in(v.value), in(v.sensitive), in(v.unknown)}
}

func keys(before, after map[string]any, unknowns any) []string {
	all := map[string]any{}
	maps.Copy(all, before)
	maps.Copy(all, after)
	if u, ok := unknowns.(map[string]any); ok {
		maps.Copy(all, u)
	}
	return slices.Sorted(maps.Keys(all))
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
