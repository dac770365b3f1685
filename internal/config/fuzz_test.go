package config

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v3"

	"github.com/stagegate/stagegate/internal/yamlfile"
)

var placed = regexp.MustCompile(`^f\.yaml:[1-9][0-9]*: `)

// wantPlaces fails unless every one of the joined errors begins with file and line.
func wantPlaces(t *testing.T, err error) {
	t.Helper()
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		for _, e := range joined.Unwrap() {
			wantPlaces(t, e)
		}
		return
	}
	if !placed.MatchString(err.Error()) {
		t.Errorf("error without file and line: %v", err)
	}
}

func FuzzEnvironment(f *testing.F) {
	f.Add("apiVersion: stagegate.dev/v1alpha1\nkind: Environment\nmetadata: {name: a}\nspec:\n  provider: {embedded: {}}\n")
	f.Add("apiVersion: stagegate.dev/v1alpha1\nkind: Environment\nmetadata: {name: a}\nspec:\n  provider: {kubeconfig: {context: c}}\n  gate: {soak: 5s, after: []}\n  variables: {a: [1, {b: 1e3}], c: 2024-01-01, d: ~}\n")
	f.Add("a: &a [*a]\n")
	f.Add("kind: Environment\n---\n- ? {}\n")
	f.Fuzz(func(t *testing.T, content string) {
		all, err := parseEnvironments(content)
		if err != nil {
			wantPlaces(t, err)
			return
		}
		for _, r := range all {
			written, err := yaml.Marshal(environmentFile{apiVersion, environmentKind, metadata{r.Name}, *r.Environment})
			if err != nil {
				t.Fatal(err)
			}
			again, err := parseEnvironments(string(written))
			if err != nil || len(again) != 1 {
				t.Fatalf("reading back what was accepted: %v\n%s", err, written)
			}
			if diff := cmp.Diff(r.Gate.Digest(), again[0].Gate.Digest()); diff != "" {
				t.Errorf("gate (-first +again):\n%s\n%s", diff, written)
			}
			if diff := cmp.Diff(r.Provider, again[0].Provider, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("provider (-first +again):\n%s\n%s", diff, written)
			}
		}
	})
}

func parseEnvironments(content string) ([]read, error) {
	docs, err := yamlfile.Parse("f.yaml", []byte(content))
	if err != nil {
		return nil, err
	}
	all, err := environmentsIn(docs)
	return all, errors.Join(append(validateAll(all), err)...)
}

func FuzzChecks(f *testing.F) {
	f.Add("apiVersion: stagegate.dev/v1alpha1\nkind: Checks\nmetadata: {name: a}\nspec:\n  edges:\n  - {name: a, from: external, to: 'pod/a/b:80', http: {}, tls: , dns: {name: x}}\n")
	f.Add("apiVersion: stagegate.dev/v1alpha1\nkind: Checks\nspec:\n  discover: {services: all, exclude: ['* -> *']}\n")
	f.Fuzz(func(t *testing.T, content string) {
		if strings.Contains(content, "caFile") {
			t.Skip("never follow a made-up path")
		}
		c, err := parseChecks(content)
		if err != nil {
			wantPlaces(t, err)
			return
		}
		again, err := parseChecks(writtenChecks(t, c))
		if err != nil {
			t.Fatalf("reading back what was accepted: %v", err)
		}
		if c.Digest() != again.Digest() {
			t.Errorf("digest changed by a round trip: %+v, %+v", c, again)
		}
	})
}

func parseChecks(content string) (Checks, error) {
	docs, err := yamlfile.Parse("f.yaml", []byte(content))
	if err != nil {
		return Checks{}, err
	}
	found, err := checksIn("f.yaml", docs)
	if err != nil {
		return Checks{}, err
	}
	return merge(found)
}

func writtenChecks(t *testing.T, c Checks) string {
	var file checksFile
	file.APIVersion, file.Kind, file.Spec.Discover = apiVersion, checksKind, c.Discover
	for _, check := range c.Checks {
		file.Spec.Edges = append(file.Spec.Edges, edge{
			check.Name, check.Edge.From, check.Edge.To, check.Edge.Host, check.Edge.Path, string(check.Want), check.HTTP, check.TLS, check.DNS, check.GRPC,
		})
	}
	content, err := yaml.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
