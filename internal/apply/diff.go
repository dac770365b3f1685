package apply

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stagegate/stagegate/internal/change"
)

// differences lists the fields that differ, ordered by path, less what the API server
// and controllers write. Secret values are masked.
func differences(before, after *unstructured.Unstructured) []change.Field {
	d := differ{mask: MaskerFor(after)}
	d.compare("", content(before), content(after), false)
	return d.fields
}

// content is what an object says itself: no status, no book-keeping.
func content(o *unstructured.Unstructured) any {
	u := bare(o)
	// It repeats the whole object, with the values of Secrets in clear.
	unstructured.RemoveNestedField(u.Object, "metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration")
	if len(u.GetAnnotations()) == 0 {
		unstructured.RemoveNestedField(u.Object, "metadata", "annotations")
	}
	return u.Object
}

type differ struct {
	mask   Masker
	fields []change.Field
}

func (d *differ) compare(path string, before, after any, secret bool) {
	if reflect.DeepEqual(before, after) {
		return
	}
	bm, bIsMap := before.(map[string]any)
	am, aIsMap := after.(map[string]any)
	if bIsMap && (aIsMap || after == nil) || aIsMap && before == nil {
		d.maps(path, bm, am, secret)
		return
	}
	bl, bIsList := before.([]any)
	al, aIsList := after.([]any)
	if (bIsList || before == nil) && (aIsList || after == nil) && listKey(bl, al) != "" {
		d.lists(path, bl, al, secret)
		return
	}
	d.fields = append(d.fields, d.mask.field(path, before, after, secret))
}

func (d *differ) maps(path string, before, after map[string]any, secret bool) {
	keys := map[string]bool{}
	for k := range before {
		keys[k] = true
	}
	for k := range after {
		keys[k] = true
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		hide := secret || d.mask.Hides(path, k, before, after)
		d.compare(join(path, k), before[k], after[k], hide)
	}
}

// lists compares items that have the same key; each is shown at its place in the new
// list, one that goes at its place in the old.
func (d *differ) lists(path string, before, after []any, secret bool) {
	key := listKey(before, after)
	old := byKey(before, key)
	for i, a := range after {
		b := old[a.(map[string]any)[key]]
		delete(old, a.(map[string]any)[key])
		d.compare(fmt.Sprintf("%s[%d]", path, i), b, a, secret)
	}
	for i, b := range before {
		if _, gone := old[b.(map[string]any)[key]]; gone {
			d.compare(fmt.Sprintf("%s[%d]", path, i), b, nil, secret)
		}
	}
}

// listKey is the field by which the items of both lists are told apart, as the merge keys
// of the Kubernetes APIs have it; empty where there is none and a list counts as a whole.
func listKey(lists ...[]any) string {
	for _, key := range []string{"name", "containerPort", "port", "mountPath", "devicePath", "key", "ip", "type", "topologyKey", "uid"} {
		if keyed(key, lists...) {
			return key
		}
	}
	return ""
}

func keyed(key string, lists ...[]any) bool {
	n := 0
	for _, list := range lists {
		seen := map[any]bool{}
		for _, item := range list {
			m, ok := item.(map[string]any)
			v := m[key]
			switch v.(type) {
			case string, int64, float64:
			default:
				return false
			}
			if !ok || seen[v] {
				return false
			}
			seen[v] = true
			n++
		}
	}
	return n > 0
}

func byKey(list []any, key string) map[any]any {
	out := make(map[any]any, len(list))
	for _, item := range list {
		out[item.(map[string]any)[key]] = item
	}
	return out
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
