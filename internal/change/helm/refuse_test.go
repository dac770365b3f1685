package helm_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/helm"
	"github.com/stagegate/stagegate/internal/filetest"
)

// chart writes a chart of the given files, over a minimal one.
func chart(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tiny")
	filetest.Write(t, filepath.Join(dir, "Chart.yaml"), "apiVersion: v2\nname: tiny\nversion: 0.1.0\n")
	for name, content := range files {
		filetest.Write(t, filepath.Join(dir, name), content)
	}
	return dir
}

// archiveOf writes a .tgz of one entry.
func archiveOf(t *testing.T, header tar.Header, content []byte) string {
	t.Helper()
	var buffer bytes.Buffer
	zipped := gzip.NewWriter(&buffer)
	entries := tar.NewWriter(zipped)
	header.Size, header.Mode = int64(len(content)), 0o644
	if err := entries.WriteHeader(&header); err != nil {
		t.Fatal(err)
	}
	if _, err := entries.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := entries.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "tiny.tgz")
	filetest.Write(t, name, buffer.String())
	return name
}

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"

// outcome loads and renders a source and returns the error, with path as CHART.
func outcome(t *testing.T, source change.Source, target change.Target) string {
	t.Helper()
	p, err := helm.Loader{}.Load(context.Background(), source)
	if err == nil {
		_, err = p.(*helm.Part).Render(context.Background(), target)
	}
	if err == nil {
		t.Fatal("no error")
	}
	return strings.ReplaceAll(err.Error(), source.Path, "CHART")
}

func TestRefusedCharts(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"no name": {
			map[string]string{"Chart.yaml": "apiVersion: v2\nversion: 0.1.0\n"},
			"loading chart CHART: validation: chart.metadata.name is required",
		},
		"library": {
			map[string]string{"Chart.yaml": "apiVersion: v2\nname: tiny\nversion: 0.1.0\ntype: library\n"},
			"chart CHART is a library chart and installs nothing: name a chart that uses it",
		},
		"missing dependency": {
			map[string]string{"Chart.yaml": "apiVersion: v2\nname: tiny\nversion: 0.1.0\ndependencies: [{name: redis, version: 1.x}]\n"},
			"chart CHART: dependency redis is missing in charts/: run `helm dependency build CHART` first",
		},
		"schema refers to a file": {
			map[string]string{"values.schema.json": `{"properties": {"a": {"$ref": "file:///etc/passwd"}}}`},
			"chart tiny: values.schema.json: refers to file:///etc/passwd outside the chart: put the definition into the schema itself, under $defs",
		},
		"schema refers to a URL": {
			map[string]string{"values.schema.json": `{"allOf": [{"$ref": "https://schemas.example/a.json#/b"}]}`},
			"chart tiny: values.schema.json: refers to https://schemas.example/a.json#/b outside the chart: put the definition into the schema itself, under $defs",
		},
		"schema of a dependency": {
			map[string]string{"charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 0.1.0\n", "charts/sub/values.schema.json": `{"$ref": "../a.json"}`},
			"chart tiny/charts/sub: values.schema.json: refers to ../a.json outside the chart: put the definition into the schema itself, under $defs",
		},
		"unknown schema language": {
			map[string]string{"values.schema.json": `{"$schema": "https://schemas.example/draft"}`},
			"chart tiny: values.schema.json: refers to https://schemas.example/draft outside the chart: put the definition into the schema itself, under $defs",
		},
		"schema is no JSON": {
			map[string]string{"values.schema.json": `{`},
			"chart tiny: values.schema.json: not valid JSON: unexpected end of JSON input",
		},
		"values against the schema": {
			map[string]string{"values.schema.json": `{"required": ["a"]}`},
			"rendering release tiny: values don't meet the specifications of the schema(s) in the following chart(s):\ntiny:\n- at '': missing property 'a'",
		},
		"names": {
			map[string]string{"templates/a.yaml": `{{ getHostByName "shop.example" }}`},
			`rendering release tiny: template: tiny/templates/a.yaml:1:3: executing "tiny/templates/a.yaml" at <getHostByName "shop.example">: ` +
				`error calling getHostByName: getHostByName "shop.example": names are not resolved when a chart is rendered: pass the address as a value`,
		},
		"Kubernetes version": {
			map[string]string{"Chart.yaml": "apiVersion: v2\nname: tiny\nversion: 0.1.0\nkubeVersion: '>=1.99.0'\n"},
			"rendering release tiny: chart tiny requires Kubernetes >=1.99.0, and the target is v1.37.2: choose another version of the chart, or upgrade the cluster first",
		},
		"duplicate object": {
			map[string]string{"templates/a.yaml": configMap, "templates/b.yaml": configMap},
			"rendering release tiny: tiny/templates/b.yaml: ConfigMap default/a is already defined at tiny/templates/a.yaml: remove one of the two",
		},
		"generated name": {
			map[string]string{"templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: a}\n"},
			"rendering release tiny: in the output of a template (the line is that of the output): " +
				"tiny/templates/a.yaml:3: ConfigMap has no metadata.name: give it one (generateName is not supported)",
		},
		"alias bomb in values": {
			map[string]string{"values.yaml": bomb()},
			"loading chart CHART: cannot load values.yaml: cannot unmarshal yaml document: error converting YAML to JSON: yaml: document contains excessive aliasing",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := outcome(t, change.Source{Path: chart(t, test.files)}, staging)
			if got != test.want {
				t.Errorf("error:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}

// bomb is YAML whose aliases expand to 10^9 scalars.
func bomb() string {
	lines := []string{"a0: &a0 [x,x,x,x,x,x,x,x,x,x]"}
	for i := 1; i < 9; i++ {
		before, now := string(rune('0'+i-1)), string(rune('0'+i))
		lines = append(lines, "a"+now+": &a"+now+" ["+strings.TrimSuffix(strings.Repeat("*a"+before+",", 10), ",")+"]")
	}
	return strings.Join(lines, "\n") + "\n"
}

func TestRefusedArchives(t *testing.T) {
	for name, test := range map[string]struct {
		header  tar.Header
		content []byte
		want    string
	}{
		"escaping entry": {
			tar.Header{Name: "tiny/../../etc/passwd"},
			nil,
			`chart CHART: the entry "tiny/../../etc/passwd" leads out of the archive: pack the chart with ` + "`helm package`",
		},
		"absolute entry": {
			tar.Header{Name: "/etc/passwd"},
			nil,
			`chart CHART: the entry "/etc/passwd" leads out of the archive: pack the chart with ` + "`helm package`",
		},
		"symbolic link": {
			tar.Header{Name: "tiny/values.yaml", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
			nil,
			`chart CHART: the entry "tiny/values.yaml" is a link or a device: pack the file itself`,
		},
		"oversized": {
			tar.Header{Name: "tiny/values.yaml"},
			make([]byte, 101<<20),
			"chart CHART: decompressed chart is larger than the maximum size 104857600",
		},
		"no chart": {
			tar.Header{Name: "tiny/values.yaml"},
			[]byte("a: 1\n"),
			"loading chart CHART: Chart.yaml file is missing",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := outcome(t, change.Source{Path: archiveOf(t, test.header, test.content)}, staging)
			if got != test.want {
				t.Errorf("error:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}

func TestRefusedOptions(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "values.yaml")
	filetest.Write(t, broken, "a: [\n")
	for name, test := range map[string]struct {
		source change.Source
		want   string
	}{
		"release name": {
			change.Source{Release: "Not_A_Name"},
			"release name \"Not_A_Name\": invalid release name, must match regex ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ " +
				"and the length must not be longer than 53: name another with --release",
		},
		"remote values": {
			change.Source{Values: []string{"https://values.example/v.yaml"}},
			"values file https://values.example/v.yaml: only local files can be read: download it and name the file",
		},
		"broken values": {
			change.Source{Values: []string{broken}},
			"values file " + broken + ": cannot unmarshal yaml document: error converting YAML to JSON: yaml: line 1: did not find expected node content",
		},
		"broken set": {
			change.Source{Set: []string{"replicas"}},
			`value "replicas": key "replicas" has no value: write it as key=value`,
		},
		"version of a directory": {
			change.Source{Version: "1.2.3"},
			"chart CHART: a version is only for charts of a repository or oci://: leave it out, or name the repository",
		},
		"another cluster name": {
			change.Source{Set: []string{"clusterName=production"}},
			`rendering release shop: values of release shop: clusterName is set to "production", but the cluster name is "staging": leave the value out, it comes from --cluster-name`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.source.Path = shop
			if got := outcome(t, test.source, staging); got != test.want {
				t.Errorf("error:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}

func TestLinkOutOfTheChart(t *testing.T) {
	dir := chart(t, nil)
	outside := filepath.Join(t.TempDir(), "secret.yaml")
	filetest.Write(t, outside, configMap)
	if err := os.MkdirAll(filepath.Join(dir, "templates"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "templates", "a.yaml")); err != nil {
		t.Fatal(err)
	}
	want := "CHART/templates/a.yaml: a symbolic link that leads out of the change: put the file itself in its place"
	if got := outcome(t, change.Source{Path: dir}, staging); got != want {
		t.Errorf("error:\n%s\nwant:\n%s", got, want)
	}
}
