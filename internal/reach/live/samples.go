package live

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/probe"
	"github.com/stagegate/stagegate/internal/reach"
)

// watch is what has been sampled so far.
type watch struct {
	orders    map[string][]probe.Target // by vantage
	interval  time.Duration             // between the samples of an edge
	unwatched []reach.Edge              // those that are not sampled at their own target

	mu       sync.Mutex
	samples  map[int]*sampled      // by target
	controls map[int]*probe.Result // the last answer to each control, by target
}

// newWatch takes one attempt of each edge from each vantage: one way is enough to sample.
// The first attempt of an edge is at its own target.
func newWatch(p *Prober, plan *plan, interval time.Duration) *watch {
	w := &watch{interval: interval, orders: map[string][]probe.Target{}, samples: map[int]*sampled{}, controls: map[int]*probe.Result{}}
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

// begin waits until every vantage samples, for a while.
func (w *watch) begin(ctx context.Context) {
	for limit := time.Now().Add(beginWait); w.silent() && time.Now().Before(limit); {
		if sleep(ctx, beginPoll) != nil {
			return
		}
	}
}

// silent tells whether nothing was heard yet from a vantage that reached something before.
func (w *watch) silent() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	waited, heard := map[string]bool{}, map[string]bool{}
	for _, s := range w.samples {
		waited[s.attempt.from] = waited[s.attempt.from] || s.up
		heard[s.attempt.from] = heard[s.attempt.from] || !s.heard.IsZero()
	}
	for key := range waited {
		if waited[key] && !heard[key] {
			return true
		}
	}
	return false
}

func (w *watch) note(r probe.Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.samples[r.ID]; s != nil {
		b := beside{direct: s.direct}
		if c := s.attempt.control; c >= 0 {
			b.controls = [2]*probe.Result{w.controls[c], w.controls[c+1]}
		}
		s.note(r, b, time.Now())
		return
	}
	w.controls[r.ID] = &r
}

// end closes the samples of all edges. An edge that was down in its last sample has come
// back if the probing that began after it reached it.
func (w *watch) end(now time.Time, latest probing) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.samples {
		s.end(now, latest)
	}
}

// believed leaves out the interruptions that there is a doubt about, and returns the doubts.
func (w *watch) believed(doubt func(a attempt, began time.Time) error) ([]gate.Interruption, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []gate.Interruption
	doubts := w.gaps()
	for _, s := range w.samples {
		for _, d := range s.past {
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

// slack is how much later than due a sample may be.
const slack = 2 * time.Second

// gaps are the times in which edges were not sampled, one error for each vantage.
func (w *watch) gaps() []error {
	from := map[string][]string{}
	for _, s := range w.samples {
		if text := s.unsampled(w.interval + slack); text != "" {
			from[s.attempt.from] = append(from[s.attempt.from], s.edge.String()+" "+text)
		}
	}
	var out []error
	for _, key := range slices.Sorted(maps.Keys(from)) {
		texts := slices.Sorted(slices.Values(from[key]))
		err := errors.New(texts[0])
		if more := len(texts) - 1; more > 0 {
			err = fmt.Errorf("%w, like %d more from there", err, more)
		}
		out = append(out, err)
	}
	return out
}
