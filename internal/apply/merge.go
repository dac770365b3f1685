package apply

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// merge takes our change out of a value: what we made of before is after, and current is
// what it has become since. Where current still is what we made, it is put back; where
// others have changed it, it stays, and its path is returned.
func merge(path string, before, after, current any) (any, []string) {
	if reflect.DeepEqual(before, after) || reflect.DeepEqual(before, current) {
		return current, nil
	}
	if reflect.DeepEqual(after, current) {
		return before, nil
	}
	if bm, am, cm, ok := three[map[string]any](before, after, current); ok {
		return mergeMaps(path, bm, am, cm)
	}
	if bl, al, cl, ok := three[[]any](before, after, current); ok {
		if key := listKey(bl, al, cl); key != "" {
			return mergeLists(path, key, bl, al, cl)
		}
	}
	return current, []string{path}
}

// three asserts the type of three values, of which the first two may be absent.
func three[T any](before, after, current any) (b, a, c T, ok bool) {
	b, okB := before.(T)
	a, okA := after.(T)
	c, okC := current.(T)
	return b, a, c, okC && (okB || before == nil) && (okA || after == nil)
}

func mergeMaps(path string, before, after, current map[string]any) (any, []string) {
	keys := map[string]bool{}
	for _, m := range []map[string]any{before, after, current} {
		for k := range m {
			keys[k] = true
		}
	}
	out := map[string]any{}
	var edited []string
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		v, e := merge(join(path, k), before[k], after[k], current[k])
		edited = append(edited, e...)
		if v != nil {
			out[k] = v
		}
	}
	if len(out) == 0 && before == nil {
		return nil, edited
	}
	return out, edited
}

// mergeLists puts items back in the order they had; those of others come after.
func mergeLists(path, key string, before, after, current []any) (any, []string) {
	b, a, c := byKey(before, key), byKey(after, key), byKey(current, key)
	var out []any
	var edited []string
	done := map[any]bool{}
	for _, list := range [][]any{before, current} {
		for _, item := range list {
			id := item.(map[string]any)[key]
			if done[id] {
				continue
			}
			done[id] = true
			v, e := merge(fmt.Sprintf("%s[%s=%v]", path, key, id), b[id], a[id], c[id])
			edited = append(edited, e...)
			if v != nil {
				out = append(out, v)
			}
		}
	}
	if len(out) == 0 && before == nil {
		return nil, edited
	}
	return out, edited
}
