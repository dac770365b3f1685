package gate

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/reach"
)

// decode makes findings and a policy of bytes: two for each edge.
func decode(data []byte) (Policy, Findings) {
	outcomes := []reach.Outcome{up, down, reach.Error, reach.Unknown, absent}
	grades := []reach.Grade{"", reach.Modelled, reach.Live}
	p, f := policy(config.WarnNewEdges), Findings{}
	if len(data) < 1 {
		return p, f
	}
	p.OnNewEdges = []config.NewEdges{"", config.WarnNewEdges, config.BlockNewEdges, config.IgnoreNewEdges}[data[0]%4]
	var edges []seen
	for i := 1; i+1 < len(data); i += 2 {
		n := int(data[i])<<8 | int(data[i+1])
		edges = append(edges, seen{fmt.Sprint(n / 125 % 7), outcomes[n%5], outcomes[n/5%5], outcomes[n/25%5]})
	}
	f = findings(edges...)
	f.Baseline.Grade, f.After.Grade = grades[data[0]>>2%3], grades[data[0]>>4%3]
	if data[0]&0x80 != 0 {
		f.Unclear = []string{"u"}
	}
	return p, f
}

func FuzzDecide(f *testing.F) {
	f.Add([]byte{0x29})
	f.Add([]byte{0x29, 0, 3, 0, 18, 1, 100})
	f.Add([]byte{0xff, 0, 3, 2, 18, 1, 100, 9, 9})
	f.Fuzz(func(t *testing.T, data []byte) {
		p, found := decode(data)
		d := Decide(p, found)
		if diff := cmp.Diff(d, Decide(p, found)); diff != "" {
			t.Errorf("two decisions on the same findings:\n%s", diff)
		}
		if d.Verdict == Pass {
			wantProven(t, p, found)
		}
		worse := found
		worse.Baseline.Edges = append(worse.Baseline.Edges[:len(worse.Baseline.Edges):len(worse.Baseline.Edges)], reach.Result{Edge: edge("lost"), Outcome: up})
		worse.After.Edges = append(worse.After.Edges[:len(worse.After.Edges):len(worse.After.Edges)], reach.Result{Edge: edge("lost"), Outcome: down})
		if after := Decide(p, worse).Verdict; after != Blocked {
			t.Errorf("a lost edge made %s of %s", after, d.Verdict)
		}
	})
}

// wantProven fails unless every expectation has a clear result of a sufficient grade (or
// was discovered, did not work and is gone), and nothing that was reachable is not.
func wantProven(t *testing.T, p Policy, f Findings) {
	t.Helper()
	if len(f.Expectations) == 0 || !f.After.Grade.Satisfies(p.MinimumGrade) || f.After.Grade != f.Baseline.Grade {
		t.Fatalf("passed with %d expectations, grades %q and %q", len(f.Expectations), f.Baseline.Grade, f.After.Grade)
	}
	before, after, closed := map[reach.Edge]reach.Outcome{}, map[reach.Edge]reach.Outcome{}, map[reach.Edge]bool{}
	for _, r := range f.Baseline.Edges {
		before[r.Edge] = r.Outcome
	}
	for _, r := range f.After.Edges {
		after[r.Edge] = r.Outcome
	}
	for _, e := range f.Expectations {
		closed[e.Edge] = closed[e.Edge] || e.Want == down
		outcome, there := after[e.Edge]
		gone := !there && e.Want == reach.Unknown && before[e.Edge] == down
		if !gone && !isClear(outcome) {
			t.Errorf("passed although %s is %s", e.Edge, after[e.Edge])
		}
	}
	for _, r := range f.Baseline.Edges {
		if r.Outcome == up && after[r.Edge] != up && !closed[r.Edge] {
			t.Errorf("passed although %s was reachable and is %s", r.Edge, after[r.Edge])
		}
	}
}
