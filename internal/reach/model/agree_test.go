package model_test

import (
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/model"
)

// agrees compares the model with the naive evaluator on every pair of pods and port, both
// as a matrix and edge by edge. It returns how many pairs were reachable, and how many not.
func agrees(t *testing.T, seed uint64) (reachable, cut int) {
	w := newWorld(seed)
	s, err := w.snapshot()
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.New(s, w.cluster)
	if err != nil {
		t.Fatalf("seed %d: %v\n%s", seed, err, w.describe())
	}
	pods, err := m.Pods(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	matrix := map[reach.Edge]reach.Result{}
	var edges []reach.Edge
	for r := range pods.All() {
		matrix[r.Edge] = r
		edges = append(edges, r.Edge)
	}
	single := map[reach.Edge]reach.Result{}
	for _, r := range m.Evaluate(t.Context(), edges).Edges {
		single[r.Edge] = r
	}
	for _, src := range w.cluster.Pods {
		for _, dst := range w.cluster.Pods {
			for _, port := range dst.Ports {
				if src == dst {
					continue
				}
				e := reach.Edge{From: "pod/" + src.Namespace + "/" + src.Name, To: "pod/" + dst.Namespace + "/" + dst.Name + portText(port)}
				want := reach.Unreachable
				if (naive{w}).reachable(src, dst, port.Number, port.Protocol) {
					want = reach.Reachable
					reachable++
				} else {
					cut++
				}
				if matrix[e].Outcome != want || single[e].Outcome != want {
					t.Fatalf("seed %d: %s: naive %s, matrix %s (%s), edge %s (%s)\n%s", seed, e, want,
						matrix[e].Outcome, matrix[e].Reason, single[e].Outcome, single[e].Reason, w.describe())
				}
				if strings.TrimSpace(matrix[e].Reason) == "" || strings.TrimSpace(single[e].Reason) == "" {
					t.Fatalf("seed %d: %s has no reason", seed, e)
				}
			}
		}
	}
	return reachable, cut
}

func TestModelAgreesWithNaive(t *testing.T) {
	reachable, cut := 0, 0
	for seed := range uint64(400) {
		r, c := agrees(t, seed)
		reachable, cut = reachable+r, cut+c
	}
	if reachable < 1000 || cut < 1000 {
		t.Errorf("%d reachable, %d cut: the random clusters do not try both", reachable, cut)
	}
}

func FuzzModelAgreesWithNaive(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { agrees(t, seed) })
}
