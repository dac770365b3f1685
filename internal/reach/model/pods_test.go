package model_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/reach"
)

// An object that could not be read may decide pairs of pods as it may edges.
func TestPodsBesideWhatCouldNotBeRead(t *testing.T) {
	c := netpol()
	c.Problems = []string{"test.yaml: Pod x/odd: it does not fit its API: x"}
	pairs, err := newModel(t, c, "apiVersion: v1\nkind: Pod\nmetadata: {name: odd, namespace: x}").Pods(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	matrix := pairs.Matrix()
	if d := cmp.Diff(c.Problems, matrix.Notes); d != "" {
		t.Errorf("notes (-want +got):\n%s", d)
	}
	for _, r := range matrix.Edges {
		want, reason := reach.Reachable, "no policy applies"
		if strings.HasPrefix(r.From, "pod/x/") || strings.HasPrefix(r.To, "pod/x/") {
			want, reason = reach.Error, "an object that could not be read may take part: test.yaml: Pod x/odd: it does not fit its API: x"
		}
		if r.Outcome != want || r.Reason != reason {
			t.Fatalf("%s: %s (%s), want %s (%s)", r.Edge, r.Outcome, r.Reason, want, reason)
		}
	}
}
