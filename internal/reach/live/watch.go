package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/probe"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

const watchRetry = 500 * time.Millisecond

// Watch samples edges at the interval, each from all its vantages, until stop is called;
// stop returns for how long each edge was down, from each vantage. What is reached at the
// address of a pod is left out, and returned: any rollout changes it. An edge counts from its
// first answer on, and only silence or a refusal counts as down; a sample that could not
// be taken counts as nothing. What a probe saw while it did not pass its positive control
// is left out too, and makes stop return an error.
func (p *Prober) Watch(ctx context.Context, topo *topology.Cluster, edges []reach.Expectation, interval time.Duration) (stop func() ([]gate.Interruption, error), unwatched []reach.Edge, err error) {
	plan, err := p.plan(ctx, topo, edges)
	if err != nil {
		return nil, nil, fmt.Errorf("planning to watch edges: %w", err)
	}
	if err := p.ensurePods(ctx, plan.vantages, plan.nodes); err != nil {
		return nil, nil, fmt.Errorf("making probe pods to watch edges: %w", err)
	}
	watching, cancel := context.WithCancel(ctx)
	w := newWatch(p, plan)
	var group sync.WaitGroup
	for key, targets := range w.orders {
		group.Go(func() { p.watchFrom(watching, plan, key, probe.Order{Targets: targets, Interval: interval}, w) })
	}
	return sync.OnceValues(func() ([]gate.Interruption, error) {
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

// watch is what has been sampled so far.
type watch struct {
	orders    map[string][]probe.Target // by vantage
	unwatched []reach.Edge              // those that are not sampled at their own target

	mu       sync.Mutex
	samples  map[int]*sampled      // by target
	controls map[int]*probe.Result // the last answer to each control, by target
}

// newWatch takes one attempt of each edge from each vantage: one way is enough to sample.
// The first attempt of an edge is at its own target.
func newWatch(p *Prober, plan *plan) *watch {
	w := &watch{orders: map[string][]probe.Target{}, samples: map[int]*sampled{}, controls: map[int]*probe.Result{}}
	type way struct {
		edge int
		from string
	}
	needed, taken, first := map[int]bool{}, map[way]bool{}, map[int]bool{}
	for _, a := range plan.attempts {
		edge := plan.edges[a.edge].Edge
		if a.goal.fleeting && !first[a.edge] {
			w.unwatched = append(w.unwatched, edge)
		}
		first[a.edge] = true
		if a.goal.fleeting || taken[way{a.edge, a.from}] {
			continue
		}
		taken[way{a.edge, a.from}] = true
		s := &sampled{edge: edge, attempt: a, up: p.seen[edge] == reach.Reachable}
		if !p.distinct[edge] {
			s.direct = p.direct[edge]
		}
		w.samples[a.goal.target.ID] = s
		a.needs(needed)
	}
	for key, targets := range plan.targets {
		for _, t := range targets {
			if needed[t.ID] {
				w.orders[key] = append(w.orders[key], t)
			}
		}
	}
	return w
}

func (w *watch) note(r probe.Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.samples[r.ID]; s != nil {
		b := beside{direct: s.direct}
		if c := s.attempt.control; c >= 0 {
			b.controls = [2]*probe.Result{w.controls[c], w.controls[c+1]}
		}
		s.note(r, b)
		return
	}
	w.controls[r.ID] = &r
}

// sampled is the samples of one edge. All times are by the clock of its vantage.
type sampled struct {
	edge    reach.Edge
	attempt attempt
	direct  *probe.Result // the last answer of a backend itself
	up      bool          // it has been reachable
	since   time.Time     // down since, or zero
	last    time.Time     // end of the last sample
	past    []downtime
}

// downtime is an interruption and when it began.
type downtime struct {
	gate.Interruption
	began time.Time
}

func (s *sampled) note(r probe.Result, b beside) {
	s.last = r.At.Add(r.Latency)
	switch s.attempt.goal.judge(r, b).outcome {
	case reach.Unreachable:
		if s.up && s.since.IsZero() {
			s.since = r.At
		}
	case reach.Reachable:
		if !s.since.IsZero() {
			s.past = append(s.past, downtime{gate.Interruption{Edge: s.edge, Duration: r.At.Sub(s.since), Healed: true}, s.since})
		}
		s.up, s.since = true, time.Time{}
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

// believed leaves out the interruptions that there is a doubt about, and returns the doubts.
func (w *watch) believed(doubt func(a attempt, began time.Time) error) ([]gate.Interruption, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []gate.Interruption
	var doubts []error
	for _, s := range w.samples {
		for _, d := range s.interruptions() {
			if err := doubt(s.attempt, d.began); err != nil {
				doubts = append(doubts, fmt.Errorf("%s seemed to be down, but %w", s.edge, err))
				continue
			}
			out = append(out, d.Interruption)
		}
	}
	slices.SortStableFunc(out, func(a, b gate.Interruption) int { return a.Edge.Compare(b.Edge) })
	return out, errors.Join(doubts...)
}

func (s *sampled) interruptions() []downtime {
	if s.since.IsZero() {
		return s.past
	}
	return append(slices.Clone(s.past), downtime{gate.Interruption{Edge: s.edge, Duration: s.last.Sub(s.since)}, s.since})
}
