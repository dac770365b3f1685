package apply

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

func TestMergeTakesOutOurChangeOnly(t *testing.T) {
	tests := map[string]struct {
		before, after, current, want string
		edited                       []string
	}{
		"untouched since":        {`{a: 1, b: 2}`, `{a: 9, b: 2}`, `{a: 9, b: 2}`, `{a: 1, b: 2}`, nil},
		"restored already":       {`{a: 1}`, `{a: 9}`, `{a: 1}`, `{a: 1}`, nil},
		"field added by us":      {`{a: 1}`, `{a: 1, b: {c: 2}}`, `{a: 1, b: {c: 2}}`, `{a: 1}`, nil},
		"field removed by us":    {`{a: 1, b: 2}`, `{a: 1}`, `{a: 1}`, `{a: 1, b: 2}`, nil},
		"other field edited":     {`{a: 1, b: 2}`, `{a: 9, b: 2}`, `{a: 9, b: 3}`, `{a: 1, b: 3}`, nil},
		"other field added":      {`{a: 1}`, `{a: 9}`, `{a: 9, z: 3}`, `{a: 1, z: 3}`, nil},
		"our field edited":       {`{a: 1, b: 2}`, `{a: 9, b: 8}`, `{a: 7, b: 8}`, `{a: 7, b: 2}`, []string{"a"}},
		"our field deleted":      {`{a: 1, b: 2}`, `{a: 9, b: 8}`, `{b: 8}`, `{b: 2}`, []string{"a"}},
		"inside a map of ours":   {`{}`, `{m: {x: 1}}`, `{m: {x: 1, y: 2}}`, `{m: {y: 2}}`, nil},
		"items by name":          {`{l: [{name: a, v: 1}]}`, `{l: [{name: a, v: 9}, {name: b, v: 2}]}`, `{l: [{name: a, v: 9}, {name: b, v: 2}, {name: c, v: 3}]}`, `{l: [{name: a, v: 1}, {name: c, v: 3}]}`, nil},
		"an item edited":         {`{l: [{name: a, v: 1}]}`, `{l: [{name: a, v: 9}]}`, `{l: [{name: a, v: 5}]}`, `{l: [{name: a, v: 5}]}`, []string{"l[name=a].v"}},
		"a list without keys":    {`{l: [1]}`, `{l: [2]}`, `{l: [2, 3]}`, `{l: [2, 3]}`, []string{"l"}},
		"a type changed by us":   {`{a: {b: 1}}`, `{a: [1]}`, `{a: [1]}`, `{a: {b: 1}}`, nil},
		"our map, item by other": {`{l: []}`, `{l: [{name: a}]}`, `{l: [{name: a}, {name: b}]}`, `{l: [{name: b}]}`, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, edited := merge("", parse(t, test.before), parse(t, test.after), parse(t, test.current))
			if diff := cmp.Diff(parse(t, test.want), got); diff != "" {
				t.Errorf("merged (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.edited, edited); diff != "" {
				t.Errorf("edited (-want +got):\n%s", diff)
			}
		})
	}
}

func parse(t *testing.T, text string) any {
	t.Helper()
	var out map[string]any
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}
