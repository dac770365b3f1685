package live

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/probe"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

const (
	watchRetry = 500 * time.Millisecond
	// beginWait is for a watch to begin: under load a node takes seconds to start a program in a pod.
	beginWait = 15 * time.Second
	beginPoll = 10 * time.Millisecond
	beginSlow = 2 * time.Second // after which it is said what is waited for
)

// Watch samples edges at the interval, each from all its vantages, until stop is called;
// stop returns for how long each edge was down, from each vantage. It returns once every
// vantage samples, or after beginWait. What is reached at the address of a pod is left out,
// and returned: any rollout changes it. An edge counts from its first answer on, and only
// silence or a refusal counts as down. What a probe saw while it did not pass its positive
// control is left out too, and makes stop return an error, as a time without samples does.
func (p *Prober) Watch(ctx context.Context, topo *topology.Cluster, edges []reach.Expectation, interval time.Duration) (stop func() ([]gate.Interruption, error), unwatched []reach.Edge, err error) {
	plan, err := p.plan(ctx, topo, edges)
	if err != nil {
		return nil, nil, fmt.Errorf("planning to watch edges: %w", err)
	}
	if err := p.ensurePods(ctx, plan.vantages, plan.nodes); err != nil {
		return nil, nil, fmt.Errorf("making probe pods to watch edges: %w", err)
	}
	watching, cancel := context.WithCancel(ctx)
	w := newWatch(p, plan, interval)
	var group sync.WaitGroup
	for key, targets := range w.orders {
		group.Go(func() { p.watchFrom(watching, plan, key, probe.Order{Targets: targets, Interval: interval}, w) })
	}
	slow := time.AfterFunc(beginSlow, func() { p.options.Progress("waiting until the edges are sampled from every vantage") })
	w.begin(watching)
	slow.Stop()
	return sync.OnceValues(func() ([]gate.Interruption, error) {
		w.end(time.Now(), p.latest)
		cancel()
		group.Wait()
		return p.believed(context.WithoutCancel(ctx), plan, w)
	}), w.unwatched, nil
}

// watchFrom carries out an order until ctx ends, making the probe pod anew where the
// change took it away.
func (p *Prober) watchFrom(ctx context.Context, plan *plan, key string, order probe.Order, w *watch) {
	if key == "" {
		probe.Watch(ctx, order.Targets, order.Interval, w.note)
		return
	}
	only := map[string]vantage{key: plan.vantages[key]}
	for ctx.Err() == nil {
		err := p.ensurePods(ctx, only, plan.nodes)
		pod := p.pod(key)
		if err == nil && pod.err == nil {
			err = p.watchFor(ctx, pod, order, w.note)
		}
		if err != nil && ctx.Err() == nil {
			p.options.Progress("watching edges: %v", err)
		}
		_ = sleep(ctx, watchRetry) // ends early with ctx, as the loop does
	}
}

// believed are the interruptions that were seen by probes whose positive control held.
func (p *Prober) believed(ctx context.Context, plan *plan, w *watch) ([]gate.Interruption, error) {
	trust, err := p.trust(ctx, plan.vantages)
	if err != nil {
		return nil, fmt.Errorf("looking whether what was watched can be trusted: %w", err)
	}
	steady, err := p.steady(ctx)
	if err != nil {
		return nil, err
	}
	return w.believed(func(a attempt, began time.Time) error {
		if trust[a.from] != "" || began.Before(steady[p.pod(a.from).id()]) {
			return fmt.Errorf("the probe at %s did not work all the while", plan.vantages[a.from])
		}
		return nil
	})
}
