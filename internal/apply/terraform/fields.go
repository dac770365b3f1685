package terraform

import (
	"fmt"
	"maps"
	"slices"

	tfjson "github.com/hashicorp/terraform-json"

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

// fields are what differs, leaf by leaf, in order of their paths.
func (d describer) fields(c *tfjson.Change) []change.Field {
	var all []change.Field
	d.compare("", value{c.Before, c.BeforeSensitive, nil}, value{c.After, c.AfterSensitive, c.AfterUnknown}, &all)
	return all
}

func (d describer) compare(path string, before, after value, all *[]change.Field) {
	b, bMap := before.value.(map[string]any)
	a, aMap := after.value.(map[string]any)
	marked := is(before.sensitive) || is(after.sensitive) || is(after.unknown)
	if !marked && (bMap || before.value == nil) && (aMap || after.value == nil) && (bMap || aMap) {
		for _, key := range keys(b, a, after.unknown) {
			d.compare(join(path, key), before.at(key), after.at(key), all)
		}
		return
	}
	bList, isB := before.value.([]any)
	aList, isA := after.value.([]any)
	if !marked && isB && isA {
		for i := range max(len(bList), len(aList)) {
			d.compare(fmt.Sprintf("%s[%d]", path, i), before.element(i), after.element(i), all)
		}
		return
	}
	if f, differs := d.field(path, before, after); differs {
		*all = append(*all, f)
	}
}

// field compares one leaf. A sensitive one says only whether it changes.
func (d describer) field(path string, before, after value) (change.Field, bool) {
	then, now := printable.Value(before.value), printable.Value(after.value)
	if is(after.unknown) {
		now = unknown
	}
	if then == now {
		return change.Field{}, false
	}
	if is(before.sensitive) || is(after.sensitive) {
		then, now = mask(then), mask(now)
		if then == now {
			now += " (changed)"
		}
	}
	return change.Field{Path: path, Before: d.clip(then), After: d.clip(now)}, true
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
