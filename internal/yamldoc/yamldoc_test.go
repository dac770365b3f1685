package yamldoc_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/yamldoc"
)

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"

func TestDecodeTakesObjectsWithTheirLines(t *testing.T) {
	tests := map[string]struct {
		file, content string
		want          []string // "source kind namespace/name"
	}{
		"documents": {
			"m.yaml", "# head\n---\n" + configMap + "---\n# nothing\n---\n" + strings.Replace(configMap, "name: a", "name: b, namespace: shop", 1),
			[]string{"m.yaml:3 ConfigMap /a", "m.yaml:9 ConfigMap shop/b"},
		},
		"list": {
			"m.yaml", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: p}\n- apiVersion: v1\n  kind: Service\n  metadata: {name: s}\n",
			[]string{"m.yaml:4 Pod /p", "m.yaml:7 Service /s"},
		},
		"typed list": {
			"m.yaml", "apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: p}\n",
			[]string{"m.yaml:4 Pod /p"},
		},
		"json with tabs": {
			"m.json", "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"List\", \"items\": [\n\t{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"}}]}\n",
			[]string{"m.json:4 Pod /p"},
		},
		"json documents": {
			"m.json", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"}}` + "\n" + `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"q"}}`,
			[]string{"m.json:1 Pod /p", "m.json:2 Pod /q"},
		},
		"byte order mark": {"m.yaml", "\xef\xbb\xbf" + configMap, []string{"m.yaml:1 ConfigMap /a"}},
		"windows lines":   {"m.yaml", strings.ReplaceAll("---\n"+configMap, "\n", "\r\n"), []string{"m.yaml:2 ConfigMap /a"}},
		"empty":           {"m.yaml", "# nothing\n", nil},
		"empty list":      {"m.yaml", "apiVersion: v1\nkind: List\nitems: []\n", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			objects, err := yamldoc.Decode(tt.file, []byte(tt.content))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range objects {
				got = append(got, fmt.Sprintf("%s %s %s/%s", o.Source, o.GetKind(), o.GetNamespace(), o.GetName()))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeMeansWhatKubectlMeans(t *testing.T) {
	content := configMap + `data:
  yes-plain: yes
  yes-quoted: "yes"
  octal: 0644
  big: 9007199254740993
  ratio: 1.5
  time: 2026-01-02
  none:
  tagged: !!str 12
  on: key
  80: number
base: &base {a: 1, b: 2}
merged: {<<: *base, b: 3}
copied: *base
block: |
  a
  	b
`
	objects, err := yamldoc.Decode("m.yaml", []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"yes-plain": true, "yes-quoted": "yes", "octal": int64(420), "big": int64(9007199254740993), "ratio": 1.5,
		"time": "2026-01-02", "none": nil, "tagged": "12", "true": "key", "80": "number",
	}
	o := objects[0].Object
	if diff := cmp.Diff(want, o["data"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"a": int64(1), "b": int64(3)}, o["merged"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"a": int64(1), "b": int64(2)}, o["copied"]); diff != "" {
		t.Error(diff)
	}
	if o["block"] != "a\n\tb\n" {
		t.Errorf("block: %q", o["block"])
	}
	_ = objects[0].DeepCopy() // panics on types that JSON does not have
}

func TestDecodeRefuses(t *testing.T) {
	bomb := configMap + "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		p := c - 1
		bomb += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, p, p, p, p, p, p, p, p, p, p)
	}
	tests := map[string]struct{ file, content, want string }{
		"duplicate key":  {"m.yaml", configMap + "data: {}\nkind: Pod\n", `m.yaml:5: duplicate key "kind", already set at line 2: remove one of the two`},
		"duplicate deep": {"m.yaml", configMap + "data:\n  a: 1\n  a: 2\n", `m.yaml:6: duplicate key "a", already set at line 5: remove one of the two`},
		"duplicate json": {"m.json", "{\"apiVersion\":\"v1\",\n\"apiVersion\":\"v2\"}", `m.json:2: duplicate key "apiVersion", already set at line 1: remove one of the two`},
		"tab":            {"m.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: a\n", "m.yaml:4: not valid YAML: found character that cannot start any token: indent with spaces, not with tabs"},
		"template":       {"m.yaml", "apiVersion: v1\nkind: ConfigMap\n{{- if .Values.x }}\nmetadata: {name: a}\n{{ end }}\n", "this looks like a template: name its chart instead, or render it first"},
		"syntax":         {"m.yaml", "apiVersion: v1\nkind: [a\nmetadata: {}\n", "m.yaml:2: not valid YAML: did not find expected ',' or ']'"},
		"second":         {"m.yaml", configMap + "---\nkind: Pod\nmetadata: {name: a}\n", "m.yaml:5: apiVersion is missing or no text: every Kubernetes object has one"},
		"scalar":         {"m.yaml", "hello\n", "m.yaml:1: not a Kubernetes object: expected fields such as apiVersion, kind and metadata"},
		"no metadata":    {"m.yaml", "apiVersion: v1\nkind: Pod\n", "m.yaml:1: Pod has no metadata: give it a metadata.name"},
		"no name":        {"m.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  generateName: a-\n", "m.yaml:4: Pod has no metadata.name: give it one (generateName is not supported)"},
		"number label":   {"m.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  labels:\n    version: 1\n", `m.yaml:6: metadata.labels: the value of "version" is no text: quote it`},
		"boolean label":  {"m.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  labels:\n    public: yes\n", `m.yaml:6: metadata.labels: the value of "public" is no text: quote it`},
		"namespace":      {"m.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  namespace: 12\n", "m.yaml:5: metadata.namespace is no text but 12: quote it"},
		"boolean name":   {"m.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: off\n", "m.yaml:4: metadata.name is no text but false: quote it"},
		"list item":      {"m.yaml", "apiVersion: v1\nkind: List\nitems:\n- text\n", "m.yaml:4: not a Kubernetes object"},
		"alias bomb":     {"m.yaml", bomb, "the object is larger than 1.5 MiB (aliases expanded), more than a cluster can store: make it smaller"},
		"alias loop":     {"m.yaml", configMap + "a: &a\n  b: *a\n", "or an alias that contains itself"},
		"oversized":      {"m.yaml", configMap + "data:\n  a: " + strings.Repeat("x", yamldoc.MaxObject) + "\n", "m.yaml:5: the object is larger than 1.5 MiB"},
		"deep":           {"m.json", strings.Repeat(`{"a":`, 300), "m.json:1: nested more than 200 levels deep"},
		"binary":         {"m.yaml", "a: b\n\x00\n", "m.yaml:2: a binary file, not a manifest (NUL byte): remove it"},
		"not UTF-8":      {"m.yaml", "a: \xff\xfe\n", "m.yaml: not UTF-8 text: save it as UTF-8, or remove it if it is a binary file"},
		"binary tag":     {"m.yaml", configMap + "data:\n  a: !!binary aGk=\n", "m.yaml:5: the tag !!binary has no meaning in a Kubernetes object: remove it"},
		"infinite":       {"m.yaml", configMap + "a: .inf\n", `m.yaml:4: ".inf" is no number that JSON can hold: quote it if it is text`},
		"torn json":      {"m.json", `{"a": [1,`, "m.json:1: not valid JSON: the file ends within a value"},
		"bad json":       {"m.json", "{\"a\":\n oops}", "m.json:2: not valid JSON: invalid character 'o' looking for beginning of value"},
		"file too large": {"m.yaml", strings.Repeat(" ", yamldoc.MaxFile+1), "m.yaml: the file has 67108865 bytes, more than the 64 MiB allowed: split it"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			objects, err := yamldoc.Decode(tt.file, []byte(tt.content))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %d objects and error\n\t%v\nwant\n\t%s", len(objects), err, tt.want)
			}
			if len(objects) > 0 {
				t.Errorf("%d objects besides the error", len(objects))
			}
		})
	}
}

func TestDecodeReportsAllErrorsOfAFile(t *testing.T) {
	_, err := yamldoc.Decode("m.yaml", []byte("kind: Pod\n---\nkind: Pod\n"))
	if err == nil || strings.Count(err.Error(), "m.yaml:") != 2 {
		t.Errorf("got %v, want an error for each of two documents", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("m.yaml", []byte(configMap))
	f.Add("m.json", []byte(`{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"}}]}`))
	f.Add("m.yaml", []byte("a: &a [*a]\n---\n<<: {a: 1}\n"))
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		objects, err := yamldoc.Decode(name, content)
		if err != nil {
			if len(objects) > 0 {
				t.Fatal("objects besides an error")
			}
			return
		}
		for _, o := range objects {
			if o.GetName() == "" || o.GetKind() == "" || o.Source == "" {
				t.Fatalf("incomplete object from %q", content)
			}
			_ = o.DeepCopy() // panics on types that JSON does not have
		}
	})
}
