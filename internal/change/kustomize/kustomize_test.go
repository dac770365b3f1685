package kustomize_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/kustomize"
	"github.com/stagegate/stagegate/internal/change/rendered"
	"github.com/stagegate/stagegate/internal/filetest"
	"github.com/stagegate/stagegate/internal/snapshot"
)

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"

// shop is an overlay over a base and a component outside of it.
func shop() map[string]string {
	return map[string]string{
		"base/kustomization.yaml": "resources: [deployment.yaml, namespace.yaml]\n",
		"base/deployment.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n" +
			"  annotations: {stagegate.dev/substitute: enabled}\nspec:\n  template:\n    metadata: {labels: {cluster: '${cluster_name}'}}\n",
		"base/namespace.yaml":      "apiVersion: v1\nkind: Namespace\nmetadata: {name: shops}\n",
		"base/unused.yaml":         configMap,
		"audit/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nconfigMapGenerator: [{name: audit, files: [audit.conf]}]\ngeneratorOptions: {disableNameSuffixHash: true}\n",
		"audit/audit.conf":         "level=1\n",
		"x/kustomization.yaml": "resources: [../base]\ncomponents: [../audit]\npatches:\n- path: replicas.yaml\n" +
			"- patch: |-\n    https://not.loaded/but/text\n  target: {kind: None}\n",
		"x/replicas.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n",
	}
}

func load(t *testing.T, dir string) *rendered.Part {
	t.Helper()
	p, err := kustomize.Loader{}.Load(context.Background(), change.Source{Path: filepath.Join(dir, "x")})
	if err != nil {
		t.Fatal(err)
	}
	return p.(*rendered.Part)
}

func TestRender(t *testing.T) {
	files := shop()
	files["x/kustomization.yaml"] = strings.Replace(files["x/kustomization.yaml"], "https://not.loaded/but/text", "[]", 1)
	objects, err := load(t, filetest.Directory(t, files)).Render(context.Background(), change.Target{ClusterName: "staging"})
	if err != nil {
		t.Fatal(err)
	}
	all, err := snapshot.New(objects...)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range all.All() {
		got = append(got, snapshot.KeyOf(o.Unstructured).String())
	}
	if d := cmp.Diff([]string{"ConfigMap default/audit", "Namespace shops", "Deployment.apps default/web"}, got); d != "" {
		t.Errorf("objects (-want +got):\n%s", d)
	}
	web, _ := all.Get(snapshot.Key{Group: "apps", Kind: "Deployment", Namespace: "default", Name: "web"})
	replicas, _, _ := unstructured.NestedInt64(web.Object, "spec", "replicas")
	cluster, _, _ := unstructured.NestedString(web.Object, "spec", "template", "metadata", "labels", "cluster")
	if replicas != 3 || cluster != "staging" || !strings.HasSuffix(web.Source, "x/kustomization.yaml") {
		t.Errorf("replicas %d, cluster %q, source %s", replicas, cluster, web.Source)
	}
}

func TestDigest(t *testing.T) {
	files := shop()
	delete(files, "x/kustomization.yaml")
	files["x/kustomization.yaml"] = "resources: [../base]\ncomponents: [../audit]\npatches: [{path: replicas.yaml}]\n"
	want := load(t, filetest.Directory(t, files)).Digest()
	if got := load(t, filetest.Directory(t, files)).Digest(); got != want {
		t.Errorf("a copy has digest %s, want %s", got, want)
	}
	for name := range files {
		changed := map[string]string{}
		for n, content := range files {
			changed[n] = content
		}
		changed[name] += "# more\n"
		got := load(t, filetest.Directory(t, changed)).Digest()
		if used := name != "base/unused.yaml"; used == (got == want) {
			t.Errorf("%s: the digest differs: %t, want %t", name, got != want, used)
		}
	}
}

func TestRefused(t *testing.T) {
	const copyIt = " is remote: a change is rendered without the network: copy it here and name the copy"
	for name, test := range map[string]struct{ kustomization, want string }{
		"no YAML":           {"resources: [a?b=c\n", "DIR/kustomization.yaml: not valid YAML: did not find expected ',' or ']'"},
		"URL":               {"resources:\n- https://shop.example/a.yaml\n", "DIR/kustomization.yaml:2: https://shop.example/a.yaml" + copyIt},
		"upper case":        {"resources: [HTTPS://shop.example/a.yaml]\n", "DIR/kustomization.yaml:1: HTTPS://shop.example/a.yaml" + copyIt},
		"repository":        {"resources: ['github.com/shop/deploy//base?ref=v1']\n", "DIR/kustomization.yaml:1: github.com/shop/deploy//base?ref=v1" + copyIt},
		"git over ssh":      {"components: [git@shop.example:deploy.git]\n", "DIR/kustomization.yaml:1: git@shop.example:deploy.git" + copyIt},
		"git of this host":  {"bases: ['file:///srv/deploy.git']\n", "DIR/kustomization.yaml:1: file:///srv/deploy.git" + copyIt},
		"patch":             {"resources: [a.yaml]\npatches: [{path: https://shop.example/p.yaml}]\n", "DIR/kustomization.yaml:2: https://shop.example/p.yaml" + copyIt},
		"generator":         {"configMapGenerator: [{name: c, files: [k=https://shop.example/k]}]\n", "DIR/kustomization.yaml:1: https://shop.example/k" + copyIt},
		"through an alias":  {"commonAnnotations: {a: &a https://shop.example/a.yaml}\nresources: [*a]\n", "DIR/kustomization.yaml:1: https://shop.example/a.yaml" + copyIt},
		"within generators": {"generators:\n- |-\n  apiVersion: builtin\n  kind: ConfigMapGenerator\n  metadata: {name: c}\n  files: [https://shop.example/k]\n", "DIR/kustomization.yaml:6: https://shop.example/k" + copyIt},
		"in a file":         {"generators: [generator.yaml]\n", "DIR/generator.yaml:4: https://shop.example/k" + copyIt},
		"alias bomb":        {"resources: [bomb.yaml]\n", "DIR/bomb.yaml: its YAML aliases expand to far more than the file: write the values out"},
		"Helm":              {"helmCharts:\n- name: shop\n", "DIR/kustomization.yaml:1: helmCharts runs helm: make the chart a part of a bundle (change.yaml) instead"},
		"plugin":            {"transformers: [plugin.yaml]\n", "building the kustomization DIR: external plugins disabled; unable to load external plugin 'Exec'"},
		"outside":           {"resources: [../a.yaml]\n", "building the kustomization DIR: accumulating resources: accumulating resources from '../a.yaml': security; file 'UP/a.yaml' is not in or below 'DIR': move the file there (a symbolic link counts as what it leads to)"},
		"link":              {"resources: [link.yaml]\n", "building the kustomization DIR: accumulating resources: accumulating resources from 'link.yaml': security; file 'DIR/link.yaml' is not in or below 'DIR': move the file there (a symbolic link counts as what it leads to)"},
		"unknown field":     {"resource: [a.yaml]\n", `building the kustomization DIR: invalid Kustomization: json: unknown field "resource"`},
		"empty":             {"resources: []\n", "DIR: no objects: the kustomization is empty: list its resources"},
		"nothing":           {"resources: [empty.yaml]\n", "DIR: no objects: the kustomization is empty: list its resources"},
		"twice":             {"resources: [a.yaml, b.yaml]\n", "building the kustomization DIR: accumulating resources: merging resources from 'b.yaml': may not add resource with an already registered id: ConfigMap.v1.[noGrp]/a.[noNs]"},
		"generated name":    {"resources: [generated.yaml]\n", "building the kustomization DIR: accumulating resources: accumulating resources from 'generated.yaml': missing metadata.name in object {{batch/v1 Job} {{ } map[] map[]}}"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filetest.Directory(t, map[string]string{
				"a.yaml": configMap, "x/a.yaml": configMap, "x/b.yaml": configMap, "x/empty.yaml": "# nothing\n",
				"x/generated.yaml":     "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: a}\n",
				"x/plugin.yaml":        "apiVersion: shop.example/v1\nkind: Exec\nmetadata: {name: a}\n",
				"x/generator.yaml":     "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: c}\nfiles: [https://shop.example/k]\n",
				"x/bomb.yaml":          bomb(),
				"x/kustomization.yaml": test.kustomization,
			})
			if err := os.Symlink(filepath.Join(dir, "a.yaml"), filepath.Join(dir, "x/link.yaml")); err != nil {
				t.Fatal(err)
			}
			_, err := kustomize.Loader{}.Load(context.Background(), change.Source{Path: filepath.Join(dir, "x")})
			if err == nil {
				t.Fatal("no error")
			}
			got := strings.ReplaceAll(strings.ReplaceAll(err.Error(), filepath.Join(dir, "x"), "DIR"), dir, "UP")
			if got != test.want {
				t.Errorf("error:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
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
