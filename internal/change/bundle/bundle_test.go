package bundle_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/bundle"
	"github.com/stagegate/stagegate/internal/filetest"
)

// recorder is a loader that remembers its sources.
type recorder struct{ sources *[]change.Source }

func (r recorder) Load(_ context.Context, source change.Source) (change.Part, error) {
	*r.sources = append(*r.sources, source)
	return part(source.Path), nil
}

// part is a part of which only the path counts.
type part string

func (p part) Kind() change.Kind     { return change.Manifest }
func (p part) Name() string          { return string(p) }
func (p part) Digest() change.Digest { return change.Digest("sha256:" + string(p)) }

const (
	head      = "apiVersion: stagegate.dev/v1alpha1\nkind: Change\nmetadata: {name: calico}\n"
	configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
)

// directory has what the bundles in these tests name.
func directory(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	filetest.Write(t, filepath.Join(dir, "crds.yaml"), configMap)
	filetest.Write(t, filepath.Join(dir, "v.yaml"), "a: b\n")
	filetest.Write(t, filepath.Join(dir, "charts/shop/Chart.yaml"), "")
	filetest.Write(t, filepath.Join(dir, "overlays/x/kustomization.yaml"), "")
	filetest.Write(t, filepath.Join(dir, "infra/main.tf"), "")
	filetest.Write(t, filepath.Join(dir, "nested/change.yaml"), head)
	filetest.Write(t, filepath.Join(dir, "change.yaml"), text)
	if err := os.Symlink("/etc", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestLoad(t *testing.T) {
	var sources []change.Source
	r := recorder{&sources}
	loader := bundle.New(change.Loaders{change.Manifest: r, change.Helm: r, change.Kustomize: r, change.Terraform: r})
	dir := directory(t, head+`spec:
  parts:
    - manifest: crds.yaml
    - helm:
        chart: ./charts/shop
        release: web
        namespace: shops
        values: [v.yaml]
        set: {b: 1, a: "x,{y}", none: null}
    - helm: {chart: podinfo, repository: https://charts.example, version: 6.9.2}
    - helm: {chart: oci://registry.example/podinfo, version: ^6}
    - kustomize: overlays/x
    - terraform: infra/
`)
	p, err := loader.Load(context.Background(), change.Source{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	if p.Name() != "calico" || p.Kind() != change.Bundle || len(p.(change.Bundled).Parts()) != 6 {
		t.Errorf("part = %v", p)
	}
	want := []change.Source{
		{Kind: change.Manifest, Path: dir + "/crds.yaml"},
		{
			Kind: change.Helm, Path: dir + "/charts/shop", Release: "web", Namespace: "shops",
			Values: []string{dir + "/v.yaml"}, Set: []string{"b=1", `a=x\,\{y\}`, "none=null"},
		},
		{Kind: change.Helm, Path: "podinfo", Repository: "https://charts.example", Version: "6.9.2"},
		{Kind: change.Helm, Path: "oci://registry.example/podinfo", Version: "^6"},
		{Kind: change.Kustomize, Path: dir + "/overlays/x"},
		{Kind: change.Terraform, Path: dir + "/infra"},
	}
	if d := cmp.Diff(want, sources); d != "" {
		t.Errorf("sources (-want +got):\n%s", d)
	}
}

// A second plan of one state would wait for the first one for ever.
func TestTerraformTwice(t *testing.T) {
	loader := bundle.New(change.Loaders{change.Terraform: recorder{new([]change.Source)}})
	dir := directory(t, head+"spec:\n  parts:\n    - terraform: infra\n    - terraform: again\n")
	if err := os.Symlink("infra", filepath.Join(dir, "again")); err != nil {
		t.Fatal(err)
	}
	_, err := loader.Load(context.Background(), change.Source{Path: dir})
	want := dir + "/change.yaml:7: the Terraform directory " + dir + "/again is the part of line 6 already: name it once"
	if err == nil || err.Error() != want {
		t.Errorf("error is %v\nwant %s", err, want)
	}
}

func TestRefused(t *testing.T) {
	one := func(part string) string { return head + "spec:\n  parts:\n    - " + part + "\n" }
	for name, test := range map[string]struct{ text, want string }{
		"empty file":         {"", "FILE: the file is empty: write a bundle (apiVersion stagegate.dev/v1alpha1, kind Change)"},
		"no YAML":            {"a: [\n", "FILE:1: did not find expected node content"},
		"unknown field":      {head + "spec:\n  parts:\n    - manifests: a\n", "FILE:6: unknown field manifests: check its spelling and indentation"},
		"wrong type":         {head + "spec:\n  parts: none\n", "FILE:5: cannot unmarshal !!str `none` into []bundle.entry"},
		"another version":    {strings.Replace(head, "v1alpha1", "v9", 1), `FILE:1: apiVersion is "stagegate.dev/v9": write stagegate.dev/v1alpha1`},
		"another kind":       {strings.Replace(head, "Change", "Bundle", 1), `FILE:2: kind is "Bundle": write Change`},
		"no name":            {strings.Replace(head, "name: calico", "", 1), "FILE:3: metadata.name is missing: give the change a name"},
		"no parts":           {head + "spec:\n  parts: []\n", "FILE:5: spec.parts is empty: list what to apply, in order"},
		"no spec":            {head, "FILE:1: spec.parts is empty: list what to apply, in order"},
		"two documents":      {one("manifest: crds.yaml") + "---\n" + head, "FILE: more than one document: write one bundle to a file"},
		"empty part":         {one("{}"), "FILE:6: a part is empty: name a manifest, helm, kustomize or terraform change"},
		"two in a part":      {one("{manifest: crds.yaml, kustomize: overlays/x}"), "FILE:6: a part has manifest and kustomize: write one part for each"},
		"no chart":           {one("helm: {release: web}"), "FILE:6: helm.chart is missing: name a directory, an archive, an oci:// reference, or a chart of helm.repository"},
		"no loader":          {one("terraform: infra"), `FILE:6: DIR/infra: changes of kind "terraform" cannot be loaded here: known kinds are manifest`},
		"escaping":           {one("manifest: ../a.yaml"), "FILE:6: ../a.yaml leads out of the bundle's directory: move it there, or apply it as a change of its own"},
		"absolute":           {one("manifest: /etc/passwd"), "FILE:6: /etc/passwd leads out of the bundle's directory: move it there, or apply it as a change of its own"},
		"escaping values":    {one("helm: {chart: charts/shop, values: [../v.yaml]}"), "FILE:6: ../v.yaml leads out of the bundle's directory: move it there, or apply it as a change of its own"},
		"link out":           {one("manifest: link"), "FILE:6: link is a symbolic link out of the bundle's directory: put the file itself in its place"},
		"missing":            {one("manifest: none.yaml"), "FILE:6: none.yaml is not in the bundle's directory: check the path"},
		"nested":             {one("manifest: nested"), "FILE:6: nested is a bundle, and a bundle cannot hold another: list its parts here"},
		"another kind of it": {one("manifest: overlays/x"), "FILE:6: overlays/x is a kustomize change: write it as kustomize, not as manifest"},
		"set a list":         {one("helm: {chart: charts/shop, set: {a: [b]}}"), "FILE:6: helm.set: a is a list or a mapping: put it into a values file"},
		"set no mapping":     {one("helm: {chart: charts/shop, set: [a=b]}"), "FILE:6: helm.set is no mapping: write it as {key: value}"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := directory(t, test.text)
			_, err := bundle.New(change.Loaders{change.Manifest: recorder{new([]change.Source)}}).Load(context.Background(), change.Source{Path: dir})
			if err == nil {
				t.Fatal("no error")
			}
			got := strings.ReplaceAll(strings.ReplaceAll(err.Error(), filepath.Join(dir, "change.yaml"), "FILE"), dir, "DIR")
			if got != test.want {
				t.Errorf("error:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}
