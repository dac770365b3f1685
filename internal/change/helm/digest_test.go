package helm_test

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/helm"
	"github.com/stagegate/stagegate/internal/filetest"
)

// copyChart copies the shop in a random order of files, with times and modes of its own.
func copyChart(t *testing.T) string {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(shop, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(shop, path)
		if err != nil {
			return err
		}
		files[name], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range files {
		names = append(names, name)
	}
	rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	dir := t.TempDir()
	for _, name := range names {
		path := filepath.Join(dir, name)
		filetest.Write(t, path, string(files[name]))
		when := time.Unix(rand.Int64N(1<<30), 0)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// pack packs a chart as "helm package" does.
func pack(t *testing.T, dir string) string {
	t.Helper()
	c, err := loader.LoadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	file, err := chartutil.Save(c, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestDigestIsOfTheContentAlone(t *testing.T) {
	want := load(t, change.Source{Path: shop}).Digest()
	for range 3 {
		dir := copyChart(t)
		filetest.Write(t, filepath.Join(dir, "old.bak"), "ignored by .helmignore")
		if got := load(t, change.Source{Path: dir}).Digest(); got != want {
			t.Errorf("copied directory: %s, want %s", got, want)
		}
		if got := load(t, change.Source{Path: pack(t, dir)}).Digest(); got != want {
			t.Errorf("packed: %s, want %s", got, want)
		}
	}
}

func TestDigestChangesWithAnyByte(t *testing.T) {
	want := load(t, change.Source{Path: shop}).Digest()
	for _, name := range []string{
		"values.yaml", "values.schema.json", "crds/orders.yaml", "templates/deployment.yaml", "templates/_helpers.tpl",
		"templates/NOTES.txt", "charts/cache/values.yaml", "charts/cache/templates/service.yaml",
	} {
		dir := copyChart(t)
		path := filepath.Join(dir, name)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		i := rand.IntN(len(content))
		content[i] ^= 1
		filetest.Write(t, path, string(content))
		p, err := helm.Loader{}.Load(context.Background(), change.Source{Path: dir})
		if err != nil {
			continue // it is no chart any more, so it has no digest to confuse
		}
		if p.Digest() == want {
			t.Errorf("%s: a flipped bit in byte %d gives the same digest", name, i)
		}
	}
}

func TestDigestChangesWithEveryOption(t *testing.T) {
	values := filepath.Join(t.TempDir(), "values.yaml")
	filetest.Write(t, values, "replicas: 3\n")
	sources := map[string]change.Source{
		"plain":     {Path: shop},
		"release":   {Path: shop, Release: "web"},
		"namespace": {Path: shop, Namespace: "shops"},
		"values":    {Path: shop, Values: []string{values}},
		"set":       {Path: shop, Set: []string{"replicas=4"}},
		"set order": {Path: shop, Set: []string{"replicas=4", "replicas=5"}},
		"reversed":  {Path: shop, Set: []string{"replicas=5", "replicas=4", "greeting=x"}},
		"text":      {Path: shop, Set: []string{`replicas="5"`}},
	}
	seen := map[change.Digest]string{}
	for name, source := range sources {
		d := load(t, source).Digest()
		if twin, ok := seen[d]; ok {
			t.Errorf("%q and %q have the same digest", name, twin)
		}
		seen[d] = name
	}
}

// A chart's own name and version are in the digest, comments in Chart.yaml are not:
// packing drops them.
func TestDigestOfChartMetadata(t *testing.T) {
	want := load(t, change.Source{Path: shop}).Digest()
	dir := copyChart(t)
	file := filepath.Join(dir, "Chart.yaml")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	filetest.Write(t, file, "# a comment\n"+string(content))
	if got := load(t, change.Source{Path: dir}).Digest(); got != want {
		t.Error("a comment in Chart.yaml changes the digest")
	}
	filetest.Write(t, file, string(content)+"icon: https://shop.example/icon.svg\n")
	if got := load(t, change.Source{Path: dir}).Digest(); got == want {
		t.Error("a field in Chart.yaml does not change the digest")
	}
}
