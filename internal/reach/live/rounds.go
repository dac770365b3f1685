package live

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// Probe tries every edge until two rounds (or as many as the options say) agree about it, since policies take
// effect seconds after they change, and at other times on other nodes. An edge about which
// no such rounds agree in time is an error, and named flaky. topo must be of now.
//
// The error is for what keeps all edges from being tried; what keeps one is in its result.
func (p *Prober) Probe(ctx context.Context, topo *topology.Cluster, edges []reach.Expectation) (reach.Matrix, error) {
	matrix := reach.Matrix{Grade: reach.Live}
	began := time.Now()
	plan, err := p.plan(ctx, topo, edges)
	if err != nil {
		return matrix, fmt.Errorf("planning live probes: %w", err)
	}
	found, err := p.settle(ctx, plan)
	if err != nil {
		return matrix, fmt.Errorf("probing: %w", err)
	}
	p.latest = probing{began: began, ended: time.Now(), reached: map[reach.Edge]bool{}}
	for i, e := range edges {
		f := found[i]
		if p.leftOut(e, f) {
			continue
		}
		matrix.Edges = append(matrix.Edges, reach.Result{Edge: e.Edge, Outcome: f.outcome, Reason: f.reason})
		p.remember(e.Edge, f)
		p.latest.reached[e.Edge] = f.outcome == reach.Reachable
	}
	matrix.Notes = append(p.notesOf(edges, found), caveatsOf(edges, found)...)
	matrix.Sort()
	return matrix, nil
}

// probing is when all edges were last tried, and which were reached.
type probing struct {
	began, ended time.Time
	reached      map[reach.Edge]bool
}

// remember keeps what later rounds are judged by.
func (p *Prober) remember(e reach.Edge, f finding) {
	p.seen[e] = f.outcome
	if f.outcome == reach.Reachable {
		p.answered[e] = true
		p.distinct[e] = p.distinct[e] || f.caveat == ""
	}
}

func (p *Prober) settle(ctx context.Context, plan *plan) ([]finding, error) {
	histories := make([][]finding, len(plan.edges))
	for i, f := range plan.settled {
		histories[i] = slices.Repeat([]finding{f}, p.options.Rounds) // what the API says needs no second look
	}
	limit := time.Now().Add(p.options.Timeout)
	for round := 1; ; round++ {
		open := unsettled(histories, p.options.Rounds)
		if len(open) == 0 || round > p.options.Rounds && time.Now().After(limit) {
			break
		}
		if round > 1 {
			if err := sleep(ctx, p.options.Pause); err != nil {
				return nil, err
			}
		}
		if p.options.Rounds > 1 {
			p.options.Progress("probing %d edges live, round %d", len(open), round)
		}
		found, err := p.round(ctx, plan, open)
		if err != nil {
			return nil, err
		}
		for _, i := range open {
			histories[i] = append(histories[i], found[i])
		}
	}
	out := make([]finding, len(histories))
	for i, h := range histories {
		out[i] = verdictOf(h, p.options.Rounds)
	}
	return out, nil
}

func unsettled(histories [][]finding, rounds int) []int {
	var out []int
	for i, h := range histories {
		if !agree(h, rounds) {
			out = append(out, i)
		}
	}
	return out
}

// agree tells whether the last rounds came to the same outcome.
func agree(h []finding, rounds int) bool {
	if len(h) < rounds {
		return false
	}
	last := h[len(h)-rounds:]
	return !slices.ContainsFunc(last, func(f finding) bool { return f.outcome != last[0].outcome })
}

func verdictOf(h []finding, rounds int) finding {
	n := len(h)
	if agree(h, rounds) {
		return h[n-1]
	}
	var story []string
	for _, f := range h[max(0, n-4):] {
		story = append(story, fmt.Sprintf("%s (%s)", f.outcome, f.reason))
	}
	return finding{outcome: reach.Error, reason: "flaky: " + strings.Join(story, ", then ")}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
