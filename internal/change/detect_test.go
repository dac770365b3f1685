package change_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/filetest"
)

// directory writes files below a new directory; an empty name makes none.
func directory(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range files {
		filetest.Write(t, filepath.Join(dir, name), contents[name])
	}
	return dir
}

const bundleText = "apiVersion: stagegate.dev/v1alpha1\nkind: Change\n"

// contents are those of the files that are read to tell the kind.
var contents = map[string]string{
	"change.yaml":   bundleText,
	"mine.yaml":     "# A bundle under another name.\n---\n" + bundleText,
	"other.yaml":    "apiVersion: v1\nkind: Change\n",
	"broken.yaml":   "a: [\n",
	"binary.yaml":   "a\x00b",
	"chart.tgz":     packed("shop/Chart.yaml"),
	"other.tar.gz":  packed("shop/README.md"),
	"text.tgz":      "not packed",
	"sub/deep.json": "{}",
}

func packed(name string) string {
	var buffer bytes.Buffer
	zipped := gzip.NewWriter(&buffer)
	entries := tar.NewWriter(zipped)
	err := entries.WriteHeader(&tar.Header{Name: name, Mode: 0o644})
	if err != nil || entries.Close() != nil || zipped.Close() != nil {
		panic("packing " + name)
	}
	return buffer.String()
}

func TestDetect(t *testing.T) {
	for _, test := range []struct {
		files []string
		path  string // below the directory
		want  change.Kind
	}{
		{[]string{"a.yaml"}, "a.yaml", change.Manifest},
		{[]string{"a.yml"}, "a.yml", change.Manifest},
		{[]string{"a.json"}, "a.json", change.Manifest},
		{[]string{"broken.yaml"}, "broken.yaml", change.Manifest},
		{[]string{"other.yaml"}, "other.yaml", change.Manifest},
		{[]string{"mine.yaml"}, "mine.yaml", change.Bundle},
		{[]string{"change.yaml"}, "change.yaml", change.Bundle},
		{[]string{"chart.tgz"}, "chart.tgz", change.Helm},
		{[]string{"Chart.yaml", "values.yaml"}, "", change.Helm},
		{[]string{"kustomization.yaml", "a.yaml"}, "", change.Kustomize},
		{[]string{"Kustomization"}, "", change.Kustomize},
		{[]string{"main.tf", "values.yaml"}, "", change.Terraform},
		{[]string{"main.tf.json"}, "", change.Terraform},
		{[]string{"change.yaml", "a.yaml"}, "", change.Bundle},
		{[]string{"sub/deep.json", "README.md"}, "", change.Manifest},
	} {
		t.Run(strings.Join(test.files, ","), func(t *testing.T) {
			got, err := change.Detect(filepath.Join(directory(t, test.files...), test.path))
			if err != nil || got != test.want {
				t.Errorf("Detect = %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

func TestDetectByName(t *testing.T) {
	for path, want := range map[string]change.Kind{"oci://registry.example/shop": change.Helm, "-": change.Manifest} {
		if got, err := change.Detect(path); err != nil || got != want {
			t.Errorf("Detect(%q) = %q, %v, want %q", path, got, err, want)
		}
	}
}

func TestDetectRefuses(t *testing.T) {
	const all = "a change is a Chart.yaml (helm), a kustomization.yaml (kustomize), *.tf (terraform), " +
		"a change.yaml (bundle) or *.yaml, *.yml, *.json (manifest)"
	for name, test := range map[string]struct {
		files []string
		path  string
		want  string
	}{
		"missing":       {nil, "none", "detecting the kind of DIR/none: there is no such file or directory: check the path"},
		"empty":         {nil, "", "DIR: the directory is empty: " + all},
		"nothing":       {[]string{"README.md", ".git/a.yaml"}, "", "DIR: found nothing to apply: " + all + ": name another directory, or say what it is with --kind"},
		"ambiguous":     {[]string{"kustomization.yaml", "Chart.yaml", "a.tf", "b.tf"}, "", "DIR: found Chart.yaml (helm) and kustomization.yaml (kustomize) and a.tf (terraform): say which is meant with --kind"},
		"binary":        {[]string{"binary.yaml"}, "binary.yaml", "DIR/binary.yaml: a binary file, not YAML or JSON: name a text file"},
		"other file":    {[]string{"shop.exe"}, "shop.exe", "DIR/shop.exe: neither a .yaml, .yml or .json file nor a .tgz chart: name another file, or say what it is with --kind"},
		"no chart":      {[]string{"other.tar.gz"}, "other.tar.gz", "DIR/other.tar.gz: found no Chart.yaml in the archive: pack it with `helm package`, or unpack it and name the directory"},
		"no archive":    {[]string{"text.tgz"}, "text.tgz", "DIR/text.tgz: not a gzip archive: gzip: invalid header"},
		"kustomization": {[]string{"kustomization.yaml"}, "kustomization.yaml", "DIR/kustomization.yaml: a kustomization is named by its directory: DIR"},
		"chart":         {[]string{"Chart.yaml"}, "Chart.yaml", "DIR/Chart.yaml: a chart is named by its directory: DIR"},
		"terraform":     {[]string{"main.tf"}, "main.tf", "DIR/main.tf: a Terraform configuration is named by its directory: DIR"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := directory(t, test.files...)
			kind, err := change.Detect(filepath.Join(dir, test.path))
			if err == nil {
				t.Fatalf("Detect = %q, want an error", kind)
			}
			if got := strings.ReplaceAll(err.Error(), dir, "DIR"); got != test.want {
				t.Errorf("error:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}
