package change_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/bundle"
	"github.com/stagegate/stagegate/internal/change/helm"
	"github.com/stagegate/stagegate/internal/change/kustomize"
	"github.com/stagegate/stagegate/internal/change/manifest"
	"github.com/stagegate/stagegate/internal/filetest"
)

func loaders() change.Loaders {
	l := change.Loaders{change.Manifest: manifest.Loader{}, change.Helm: helm.Loader{}, change.Kustomize: kustomize.Loader{}}
	l[change.Bundle] = bundle.New(l)
	return l
}

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"

// everything is a directory with a change of each kind, and a bundle of all.
func everything(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	filetest.Write(t, filepath.Join(dir, "a.yaml"), configMap)
	filetest.Write(t, filepath.Join(dir, "chart/Chart.yaml"), "apiVersion: v2\nname: tiny\nversion: 0.1.0\n")
	filetest.Write(t, filepath.Join(dir, "chart/templates/b.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n")
	filetest.Write(t, filepath.Join(dir, "overlay/kustomization.yaml"), "namePrefix: x-\nresources: [c.yaml]\n")
	filetest.Write(t, filepath.Join(dir, "overlay/c.yaml"), configMap)
	filetest.Write(t, filepath.Join(dir, "change.yaml"), bundleOf("- manifest: a.yaml", "- helm: {chart: chart}", "- kustomize: overlay"))
	return dir
}

func bundleOf(parts ...string) string {
	text := bundleHead
	for _, p := range parts {
		text += "  " + p + "\n"
	}
	return text
}

const bundleHead = "apiVersion: stagegate.dev/v1alpha1\nkind: Change\nmetadata: {name: all}\nspec:\n  parts:\n"

func TestLoadDispatches(t *testing.T) {
	dir := everything(t)
	for path, want := range map[string][]change.Kind{
		"a.yaml": {change.Manifest}, "chart": {change.Helm}, "overlay": {change.Kustomize},
		"": {change.Manifest, change.Helm, change.Kustomize}, "change.yaml": {change.Manifest, change.Helm, change.Kustomize},
	} {
		c, err := change.Load(context.Background(), change.Source{Path: filepath.Join(dir, path)}, loaders())
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		var got []change.Kind
		for _, p := range c.Parts {
			got = append(got, p.Kind())
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: kinds of parts (-want +got):\n%s", path, d)
		}
	}
}

func TestBundleHasTheDigestOfItsParts(t *testing.T) {
	dir := everything(t)
	load := func(parts ...string) change.Digest {
		t.Helper()
		filetest.Write(t, filepath.Join(dir, "change.yaml"), bundleOf(parts...))
		c, err := change.Load(context.Background(), change.Source{Path: dir}, loaders())
		if err != nil {
			t.Fatal(err)
		}
		return c.Digest()
	}
	one, two := "- manifest: a.yaml", "- helm: {chart: chart}"
	if load(one, two) == load(two, one) {
		t.Error("the order of the parts does not change the digest")
	}
	alone, err := change.Load(context.Background(), change.Source{Path: filepath.Join(dir, "a.yaml")}, loaders())
	if err != nil {
		t.Fatal(err)
	}
	if got := load(one); got != alone.Digest() {
		t.Errorf("a bundle of one part has digest %s, the part alone %s", got, alone.Digest())
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := everything(t)
	t.Chdir(dir)
	for name, test := range map[string]struct {
		source change.Source
		want   string
	}{
		"nothing named":  {change.Source{}, "loading the change: no change is named: name a file, a directory or a chart"},
		"missing loader": {change.Source{Path: "a.yaml", Kind: change.Terraform}, `loading the change: a.yaml: changes of kind "terraform" cannot be loaded here: known kinds are bundle, helm, kustomize, manifest`},
		"release":        {change.Source{Path: "a.yaml", Release: "web"}, "loading the change: a.yaml: a release name is for Helm charts, and this is a change of kind manifest: leave it out"},
		"values":         {change.Source{Path: "overlay", Values: []string{"v.yaml"}}, "loading the change: overlay: a values file is for Helm charts, and this is a change of kind kustomize: leave it out"},
		"set":            {change.Source{Path: ".", Set: []string{"a=b"}}, "loading the change: .: a value is for Helm charts, and this is a change of kind bundle: leave it out"},
		"version":        {change.Source{Path: "a.yaml", Version: "1"}, "loading the change: a.yaml: a chart version is for Helm charts, and this is a change of kind manifest: leave it out"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := change.Load(context.Background(), test.source, loaders())
			if err == nil || err.Error() != test.want {
				t.Errorf("error:\n%v\nwant:\n%s", err, test.want)
			}
		})
	}
}
