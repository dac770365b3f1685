package manifest_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/manifest"
	"github.com/stagegate/stagegate/internal/change/rendered"
	"github.com/stagegate/stagegate/internal/change/tree"
	"github.com/stagegate/stagegate/internal/filetest"
	"github.com/stagegate/stagegate/internal/snapshot"
)

func load(t *testing.T, source change.Source) *rendered.Part {
	t.Helper()
	p, err := manifest.Loader{}.Load(context.Background(), source)
	if err != nil {
		t.Fatal(err)
	}
	return p.(*rendered.Part)
}

func config(name, rest string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\n" + rest
}

func TestRenderDirectory(t *testing.T) {
	dir := filetest.Directory(t, map[string]string{
		"b.yaml":          config("b", ""),
		"a/list.yml":      "apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(config("one", "")), "\n", "\n  ") + "\n",
		"a/web.json":      `{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web", "namespace": "spare"}}`,
		"README.md":       "not a manifest",
		".git/a.yaml":     "not: a manifest",
		"crd.yaml":        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: orders.shop.example}\nspec: {group: shop.example, scope: Cluster, names: {kind: Order}}\n",
		"order.yaml":      "apiVersion: shop.example/v1\nkind: Order\nmetadata: {name: first}\n",
		"other/else.yaml": config("c", "  namespace: else\n"),
	})
	objects, err := load(t, change.Source{Path: dir, Namespace: "shops"}).Render(context.Background(), change.Target{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range objects {
		got = append(got, snapshot.KeyOf(o.Unstructured).String()+" "+strings.TrimPrefix(o.Source, dir+"/"))
	}
	want := []string{
		"ConfigMap shops/one a/list.yml:4",
		"Namespace web a/web.json:1",
		"ConfigMap shops/b b.yaml:1",
		"CustomResourceDefinition.apiextensions.k8s.io orders.shop.example crd.yaml:1",
		"Order.shop.example first order.yaml:1",
		"ConfigMap else/c other/else.yaml:1",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("objects (-want +got):\n%s", d)
	}
}

func TestStandardInput(t *testing.T) {
	p, err := manifest.Loader{In: strings.NewReader(config("a", ""))}.Load(context.Background(), change.Source{Path: change.Stdin})
	if err != nil {
		t.Fatal(err)
	}
	objects, err := p.(*rendered.Part).Render(context.Background(), change.Target{})
	if err != nil {
		t.Fatal(err)
	}
	if len(objects) != 1 || objects[0].Source != "standard input:1" || p.Name() != "standard input" {
		t.Errorf("part %s with %v", p.Name(), objects)
	}
}

func TestDigest(t *testing.T) {
	files := map[string]string{"a.yaml": config("a", ""), "b/c.yaml": config("c", "")}
	first, second := filetest.Directory(t, files), filetest.Directory(t, files)
	if err := os.Chmod(filepath.Join(second, "a.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := load(t, change.Source{Path: first}).Digest()
	if got := load(t, change.Source{Path: second}).Digest(); got != want {
		t.Errorf("a copy has digest %s, want %s", got, want)
	}
	if got := load(t, change.Source{Path: first, Namespace: "else"}).Digest(); got == want {
		t.Error("another namespace has the same digest")
	}
	for i := range files["a.yaml"] {
		content := []byte(files["a.yaml"])
		content[i] ^= 1
		p, err := manifest.Loader{}.Load(context.Background(), change.Source{Path: filetest.Directory(t, map[string]string{"a.yaml": string(content), "b/c.yaml": files["b/c.yaml"]})})
		if err == nil && p.Digest() == want {
			t.Errorf("a flipped bit in byte %d gives the same digest", i)
		}
	}
}

func TestRefused(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"empty": {
			map[string]string{"a.yaml": "# nothing here\n---\n"},
			"DIR: no objects: the change is empty: name a file or directory with manifests",
		},
		"duplicate": {
			map[string]string{"a.yaml": config("a", ""), "b.yaml": "---\n" + config("a", "  namespace: default\n")},
			"DIR/b.yaml:2: ConfigMap default/a is already defined at DIR/a.yaml:1: remove one of the two",
		},
		"generated name": {
			map[string]string{"a.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  generateName: a\n"},
			"DIR/a.yaml:4: Pod has no metadata.name: give it one (generateName is not supported)",
		},
		"no kind": {
			map[string]string{"a.yaml": "apiVersion: v1\nmetadata: {name: a}\n"},
			"DIR/a.yaml:1: kind is missing or no text: every Kubernetes object has one",
		},
		"every file": {
			map[string]string{"a.yaml": "kind: Pod\n", "b.yaml": "a: [\n"},
			"DIR/a.yaml:1: apiVersion is missing or no text: every Kubernetes object has one\nDIR/b.yaml:2: not valid YAML: did not find expected node content",
		},
		"binary": {
			map[string]string{"a.yaml": "a\x00b"},
			"DIR/a.yaml:1: a binary file, not a manifest (NUL byte): remove it",
		},
		"alias bomb": {
			map[string]string{"a.yaml": bomb()},
			"DIR/a.yaml:5: the object is larger than 1.5 MiB (aliases expanded), more than a cluster can store: make it smaller",
		},
		"oversized": {
			map[string]string{"a.yaml": strings.Repeat("#", tree.MaxFile+1)},
			"DIR/a.yaml: larger than 16 MiB: split it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filetest.Directory(t, test.files)
			if got := strings.ReplaceAll(outcome(t, change.Source{Path: dir}, change.Target{}), dir, "DIR"); got != test.want {
				t.Errorf("error:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}

func outcome(t *testing.T, source change.Source, target change.Target) string {
	t.Helper()
	p, err := manifest.Loader{}.Load(context.Background(), source)
	if err == nil {
		_, err = p.(*rendered.Part).Render(context.Background(), target)
	}
	if err == nil {
		t.Fatal("no error")
	}
	return err.Error()
}

// bomb is a manifest whose aliases expand to 10^9 scalars.
func bomb() string {
	lines := []string{"apiVersion: v1", "kind: ConfigMap", "metadata: {name: a}", "data:", "  a0: &a0 [x,x,x,x,x,x,x,x,x,x]"}
	for i := 1; i < 9; i++ {
		before, now := string(rune('0'+i-1)), string(rune('0'+i))
		lines = append(lines, "  a"+now+": &a"+now+" ["+strings.TrimSuffix(strings.Repeat("*a"+before+",", 10), ",")+"]")
	}
	return strings.Join(lines, "\n") + "\n"
}

func TestLinks(t *testing.T) {
	outside := filetest.Directory(t, map[string]string{"a.yaml": config("a", "")})
	for name, test := range map[string]struct{ target, want string }{
		"outside":   {filepath.Join(outside, "a.yaml"), "DIR/link.yaml: a symbolic link that leads out of the change: put the file itself in its place"},
		"broken":    {"../../a.yaml", "DIR/link.yaml: a broken symbolic link: remove it, or put the file in its place"},
		"directory": {"sub", "DIR/link.yaml: a symbolic link to a directory: put the files themselves in its place"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filetest.Directory(t, map[string]string{"sub/b.yaml": config("b", "")})
			if err := os.Symlink(test.target, filepath.Join(dir, "link.yaml")); err != nil {
				t.Fatal(err)
			}
			if got := strings.ReplaceAll(outcome(t, change.Source{Path: dir}, change.Target{}), dir, "DIR"); got != test.want {
				t.Errorf("error %s, want %s", got, test.want)
			}
		})
	}
}

func TestLinkWithinTheChange(t *testing.T) {
	dir := filetest.Directory(t, map[string]string{".data/a.yaml": config("a", "")})
	if err := os.Symlink(".data/a.yaml", filepath.Join(dir, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	load(t, change.Source{Path: dir})
}
