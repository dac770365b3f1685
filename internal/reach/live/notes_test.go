package live

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/probe"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// Edges that nobody declared and no probe can decide are named, and keep nothing from
// passing. What was decided before, or is declared, stays.
func TestLeftOut(t *testing.T) {
	stats := reach.Edge{From: "deployment/shop/web", To: "service/shop/stats:8125/UDP"}
	moot := finding{outcome: reach.Error, reason: "no answer", moot: silentUDP}
	p := &Prober{seen: map[reach.Edge]reach.Outcome{}, answered: map[reach.Edge]bool{}, distinct: map[reach.Edge]bool{}}
	discovered, declared := reach.Expectation{Edge: stats}, reach.Expectation{Edge: stats, Want: reach.Reachable}
	if !p.leftOut(discovered, moot) || p.leftOut(declared, moot) || p.leftOut(discovered, finding{outcome: reach.Error, reason: "no pod"}) {
		t.Error("not the edges that no probe can decide, and nobody declared, are left out")
	}
	var edges []reach.Expectation
	for _, from := range []string{"g", "f", "e", "d", "c", "b", "a"} {
		edges = append(edges, reach.Expectation{Edge: reach.Edge{From: "deployment/shop/" + from, To: stats.To}})
	}
	notes := p.notesOf(edges, slices.Repeat([]finding{moot}, len(edges)))
	want := "not probed: deployment/shop/a, deployment/shop/b, deployment/shop/c, deployment/shop/d, deployment/shop/e and 2 more -> service/shop/stats:8125/UDP: " + silentUDP
	if len(notes) != 1 || !strings.HasPrefix(notes[0], want) {
		t.Errorf("notes: %q", notes)
	}
	p.remember(stats, finding{outcome: reach.Reachable})
	if p.leftOut(discovered, moot) {
		t.Error("an edge that answered before is left out now that it does not")
	}
}

func TestWaysJoined(t *testing.T) {
	moot, up := finding{outcome: reach.Error, moot: "x"}, finding{outcome: reach.Reachable, caveat: "y"}
	failed, down := finding{outcome: reach.Error}, finding{outcome: reach.Unreachable}
	for name, test := range map[string]struct {
		a, b finding
		want reach.Outcome
		moot bool
	}{
		"one fails":                 {up, down, reach.Unreachable, false},
		"one errs":                  {up, failed, reach.Error, false},
		"both moot":                 {moot, moot, reach.Error, true},
		"one answers, one does not": {moot, up, reach.Error, false},
		"one errs, one is moot":     {failed, moot, reach.Error, false},
	} {
		for _, got := range []finding{test.a.with(test.b), test.b.with(test.a)} {
			if got.outcome != test.want || (got.moot != "") != test.moot {
				t.Errorf("%s: got %+v", name, got)
			}
		}
	}
	if got := up.with(finding{outcome: reach.Reachable}); got.caveat != "y" {
		t.Error("the caveat is lost")
	}
}

// Silence of a probe that does not work is not taken for a server that answers nobody.
func TestMootNeedsAProbeThatWorks(t *testing.T) {
	a := attempt{goal: goal{judge: judgeUDP(there, false)}, control: -1}
	silence := answers{results: map[int]probe.Result{0: {Code: probe.TimedOut, Phase: probe.Answer}}}
	if f := a.read(silence, nil, vantage{}, ""); f.moot == "" {
		t.Errorf("got %+v", f)
	}
	if f := a.read(silence, nil, vantage{}, "its node is gone"); f.moot != "" {
		t.Errorf("got %+v", f)
	}
	dns := place{address: "10.96.0.10:53", what: "the cluster address"}
	if f := judgeUDP(dns, false)(silence.results[0], beside{}); f.outcome != reach.Error || f.moot != "" {
		t.Errorf("a DNS server owes an answer: %+v", f)
	}
}

// A workload that a Service would send traffic to, ready or not, has no stand-in; what its
// controller publishes is requested all the same.
func TestNoStandIn(t *testing.T) {
	p, controller := routed(t)
	p.topo.Services = append(p.topo.Services, &topology.Service{Namespace: "shop", Name: "peers", Selector: map[string]string{"app": "web"}, PublishNotReady: true})
	p.add(0, reach.Expectation{Edge: edge("deployment/shop/web -> ingress/shop/web (shop.example/)")})
	if f := p.out.settled[0]; f.outcome != reach.Error || !strings.Contains(f.moot, "shop/peers") || !strings.Contains(f.moot, "spec.probes.ephemeral") {
		t.Errorf("got %+v", f)
	}
	p.options.Ephemeral = true
	if _, err := p.vantages("deployment/shop/web"); err != nil {
		t.Errorf("the workload's own pods need no stand-in: %v", err)
	}
	p.options.Ephemeral = false
	controller.Pods[0].Labels = map[string]string{"app": "web"}
	controller.Pods[0].Namespace = "shop"
	p.add(1, reach.Expectation{Edge: edge("external -> ingress/shop/web (shop.example/)")})
	if _, settled := p.out.settled[1]; settled || len(p.out.attempts) != 1 || !strings.Contains(p.out.caveats[1], "not tried") {
		t.Errorf("settled %+v, attempts %v, caveats %v", p.out.settled, p.out.attempts, p.out.caveats)
	}
}

// What is reached at the address of a pod is not watched, and named.
func TestUnwatched(t *testing.T) {
	p, _ := routed(t)
	p.checks = map[string]config.Check{}
	edges := []reach.Expectation{
		{Edge: edge("external -> ingress/shop/web (shop.example/)")},
		{Edge: reach.Edge{From: "external", To: "service/shop/headless:80/TCP"}},
		{Edge: reach.Edge{From: "deployment/shop/web", To: "service/shop/headless:80/TCP"}},
		{Edge: reach.Edge{From: "deployment/shop/web", To: "service/shop/web:80/TCP"}},
	}
	p.out.edges = edges
	for i, e := range edges {
		p.add(i, e)
	}
	w := newWatch(p.Prober, p.out, time.Second)
	if len(w.unwatched) != 1 || w.unwatched[0] != edges[2].Edge {
		t.Errorf("unwatched: %v", w.unwatched)
	}
	for _, s := range w.samples {
		if s.edge == edges[2].Edge {
			t.Errorf("sampled: %v", s.edge)
		}
	}
}
