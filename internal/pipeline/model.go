package pipeline

import (
	"context"

	"k8s.io/client-go/rest"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/discover"
	"github.com/stagegate/stagegate/internal/reach/model"
	"github.com/stagegate/stagegate/internal/reach/topology"
	"github.com/stagegate/stagegate/internal/snapshot"
	"github.com/stagegate/stagegate/internal/snapshot/live"
)

// Model discovers the edges of a snapshot and evaluates them. No packet is sent.
func Model(ctx context.Context, state *snapshot.Snapshot, checks config.Checks) ([]reach.Expectation, reach.Matrix, error) {
	topo := topology.Build(state)
	expected, err := discover.Edges(topo, checks)
	if err != nil {
		return nil, reach.Matrix{}, err
	}
	matrix, err := evaluate(ctx, state, topo, expected)
	return expected, matrix, err
}

func evaluate(ctx context.Context, state *snapshot.Snapshot, topo *topology.Cluster, expected []reach.Expectation) (reach.Matrix, error) {
	m, err := model.New(state, topo)
	if err != nil {
		return reach.Matrix{}, err
	}
	edges := make([]reach.Edge, len(expected))
	for i, e := range expected {
		edges[i] = e.Edge
	}
	return m.Evaluate(ctx, edges), ctx.Err()
}

// Modelled is a Prober that evaluates what a cluster's API says.
type Modelled struct {
	Config *rest.Config
	Checks config.Checks
}

// Probe takes a snapshot and models it.
func (m *Modelled) Probe(ctx context.Context) ([]reach.Expectation, reach.Matrix, error) {
	state, err := live.Take(ctx, m.Config)
	if err != nil {
		return nil, reach.Matrix{}, err
	}
	return Model(ctx, state, m.Checks)
}

// Close has nothing to give back.
func (*Modelled) Close(context.Context) error { return nil }
