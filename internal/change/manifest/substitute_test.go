package manifest_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/filetest"
)

const optedIn = "  annotations: {stagegate.dev/substitute: enabled}\n"

var target = change.Target{ClusterName: "staging", Variables: map[string]any{
	"replicas": 3, "domain": "shop.example", "evil": "x\"\nkind: Secret", "list": []any{"a"}, "on": true,
}}

func TestSubstitute(t *testing.T) {
	for name, test := range map[string]struct{ text, want any }{
		"cluster name": {"web.${cluster_name}.${domain}", "web.staging.shop.example"},
		"number":       {"${replicas}", int64(3)},
		"in text":      {"${replicas} pods", "3 pods"},
		"boolean":      {"${on}", true},
		"escaped":      {"$${HOME} of ${cluster_name}", "${HOME} of staging"},
		"structure":    {"${evil}", "x\"\nkind: Secret"},
		"plain dollar": {"$HOME $(date)", "$HOME $(date)"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filetest.Directory(t, map[string]string{"a.yaml": config("a", optedIn+"data:\n  key: '"+test.text.(string)+"'\n")})
			objects, err := load(t, change.Source{Path: dir}).Render(context.Background(), target)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(map[string]any{"key": test.want}, objects[0].Object["data"]); d != "" {
				t.Errorf("data (-want +got):\n%s", d)
			}
		})
	}
}

func TestSubstituteOnlyWhereOptedIn(t *testing.T) {
	dir := filetest.Directory(t, map[string]string{"a.yaml": config("a", "data: {key: '${cluster_name}'}\n")})
	objects, err := load(t, change.Source{Path: dir}).Render(context.Background(), target)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]any{"key": "${cluster_name}"}, objects[0].Object["data"]); d != "" {
		t.Errorf("data (-want +got):\n%s", d)
	}
}

func TestMetadataStaysText(t *testing.T) {
	dir := filetest.Directory(t, map[string]string{"a.yaml": config("${replicas}", optedIn)})
	p := load(t, change.Source{Path: dir})
	for range 2 { // rendering leaves the part as it was
		objects, err := p.Render(context.Background(), target)
		if err != nil {
			t.Fatal(err)
		}
		if got := objects[0].GetName(); got != "3" {
			t.Errorf("name = %q, want 3", got)
		}
	}
}

func TestRefusedSubstitutions(t *testing.T) {
	for name, test := range map[string]struct {
		rest   string
		target change.Target
		want   string
	}{
		"unknown": {
			optedIn + "data: {key: '${colour}'}\n", target,
			"FILE:1: data.key: unknown variable ${colour}: known are cluster_name, domain, evil, list, on, replicas: " +
				"define it in the environment, or write $${colour} for that very text",
		},
		"none known": {
			optedIn + "data: {key: '${cluster_name}'}\n",
			change.Target{},
			"FILE:1: data.key: unknown variable ${cluster_name}: none are known: define it in the environment, or write $${cluster_name} for that very text",
		},
		"list": {
			optedIn + "data: {key: '${list}'}\n", target,
			"FILE:1: data.key: variable ${list} is neither text, a number nor true or false: name another",
		},
		"annotation": {
			"  annotations: {stagegate.dev/substitute: 'yes'}\n", target,
			`FILE:1: annotation stagegate.dev/substitute is "yes": set it to "enabled", or remove it`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(filetest.Directory(t, map[string]string{"a.yaml": config("a", test.rest)}), "a.yaml")
			got := strings.ReplaceAll(outcome(t, change.Source{Path: file}, test.target), file, "FILE")
			if got != test.want {
				t.Errorf("error:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}
