package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/client-go/rest"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/discover"
	reachlive "github.com/stagegate/stagegate/internal/reach/live"
	"github.com/stagegate/stagegate/internal/reach/topology"
	"github.com/stagegate/stagegate/internal/snapshot"
	"github.com/stagegate/stagegate/internal/snapshot/live"
)

// Live is a Prober that sends packets, and has the model explain what they find.
type Live struct {
	Config *rest.Config
	Checks config.Checks
	Prober *reachlive.Prober
	Image  string // of the probe's pods
}

// ProbeImage goes on record with the evidence.
func (l *Live) ProbeImage() string { return l.Image }

// Probe sends packets along every edge that is there now.
func (l *Live) Probe(ctx context.Context) ([]reach.Expectation, reach.Matrix, error) {
	state, topo, expected, err := l.discover(ctx)
	if err != nil {
		return nil, reach.Matrix{}, err
	}
	found, err := l.Prober.Probe(ctx, topo, expected)
	if err != nil {
		return nil, reach.Matrix{}, err
	}
	expected = probed(expected, found)
	modelled, err := evaluate(ctx, state, topo, expected)
	if err != nil {
		return nil, reach.Matrix{}, err
	}
	explain(&found, modelled)
	return expected, found, nil
}

// probed leaves out what the prober leaves out: edges that packets cannot decide.
func probed(expected []reach.Expectation, found reach.Matrix) []reach.Expectation {
	known := make(map[reach.Edge]bool, len(found.Edges))
	for _, r := range found.Edges {
		known[r.Edge] = true
	}
	return slices.DeleteFunc(expected, func(e reach.Expectation) bool { return !known[e.Edge] })
}

func (l *Live) discover(ctx context.Context) (*snapshot.Snapshot, *topology.Cluster, []reach.Expectation, error) {
	state, err := live.Take(ctx, l.Config)
	if err != nil {
		return nil, nil, nil, err
	}
	topo := topology.Build(state)
	expected, err := discover.Edges(topo, l.Checks)
	return state, topo, expected, err
}

// Watch follows the edges that are there now, at an interval, until it is stopped.
func (l *Live) Watch(ctx context.Context, interval time.Duration) (stop func() ([]gate.Interruption, error), unwatched []reach.Edge, err error) {
	_, topo, expected, err := l.discover(ctx)
	if err != nil {
		return nil, nil, err
	}
	return l.Prober.Watch(ctx, topo, expected, interval)
}

// Fresh has the next Probe start from new pods.
func (l *Live) Fresh(ctx context.Context) error { return l.Prober.Fresh(ctx) }

// Close takes the probe pods away.
func (l *Live) Close(ctx context.Context) error { return l.Prober.Close(ctx) }

// explain adds to what packets found what the model says of it. Where the two disagree,
// that is said, and the packets win. Reasons of what is reachable are hardly shown, so of
// these a note tells.
func explain(found *reach.Matrix, modelled reach.Matrix) {
	found.Notes = append(found.Notes, modelled.Notes...)
	model := make(map[reach.Edge]reach.Result, len(modelled.Edges))
	for _, r := range modelled.Edges {
		model[r.Edge] = r
	}
	for i, r := range found.Edges {
		m := model[r.Edge]
		switch {
		case decided(r.Outcome) && decided(m.Outcome) && r.Outcome != m.Outcome:
			found.Edges[i].Reason += "; the model disagrees (" + m.Outcome.String() + ": " + m.Reason + ")"
			if r.Outcome == reach.Reachable {
				found.Notes = append(found.Notes, fmt.Sprintf("%s is reachable, though the model says otherwise: %s", r.Edge, m.Reason))
			}
		case r.Outcome == reach.Unreachable && m.Outcome == reach.Unreachable:
			found.Edges[i].Reason += "; " + m.Reason
			found.Edges[i].Cause = m.Cause
		}
	}
}

func decided(o reach.Outcome) bool { return o == reach.Reachable || o == reach.Unreachable }
