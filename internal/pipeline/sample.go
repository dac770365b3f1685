package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/reach"
)

// watch follows the edges that the baseline could reach, from the first write of the
// change to the verdict, so that an interruption that heals is still seen. A nil watch
// follows nothing.
type watch struct {
	protected map[reach.Edge]bool
	down      map[reach.Edge]time.Time // since when
	longest   map[reach.Edge]time.Duration
	failed    error        // the last round that could not be made
	unwatched []reach.Edge // those that could not be followed
}

func newWatch(baseline reach.Matrix) *watch {
	w := &watch{protected: map[reach.Edge]bool{}, down: map[reach.Edge]time.Time{}, longest: map[reach.Edge]time.Duration{}}
	for _, r := range baseline.Edges {
		w.protected[r.Edge] = r.Outcome == reach.Reachable
	}
	return w
}

// round takes in one round of probes.
func (w *watch) round(now time.Time, m reach.Matrix) {
	if w == nil {
		return
	}
	for _, r := range m.Edges {
		if !w.protected[r.Edge] {
			continue
		}
		since, isDown := w.down[r.Edge]
		switch {
		case r.Outcome == reach.Unreachable && !isDown:
			w.down[r.Edge] = now
		case r.Outcome == reach.Reachable && isDown:
			w.longest[r.Edge] = max(w.longest[r.Edge], now.Sub(since))
			delete(w.down, r.Edge)
		}
	}
}

// interruptions are, for each edge that was down, its longest time; ordered by edge.
func (w *watch) interruptions(now time.Time) []gate.Interruption {
	var all []gate.Interruption
	for edge, d := range w.longest {
		if _, still := w.down[edge]; !still {
			all = append(all, gate.Interruption{Edge: edge, Duration: d, Healed: true})
		}
	}
	for edge, since := range w.down {
		all = append(all, gate.Interruption{Edge: edge, Duration: max(now.Sub(since), w.longest[edge])})
	}
	slices.SortFunc(all, func(a, b gate.Interruption) int { return a.Edge.Compare(b.Edge) })
	return all
}

// watcher is a prober that can follow edges more closely than round by round.
type watcher interface {
	Watch(ctx context.Context, interval time.Duration) (stop func() ([]gate.Interruption, error), unwatched []reach.Edge, err error)
}

// closely tells whether edges are followed while rounds are probed, too. Where they are
// not, the rounds themselves go on sampling.
func (s *session) closely() bool {
	_, closely := s.prober.(watcher)
	return closely
}

// sample follows the edges in the background. The function returned stops it once, and
// returns when the last probe has ended.
func (s *session) sample(ctx context.Context) (stop func()) {
	w, ok := s.prober.(watcher)
	if !ok {
		return sync.OnceFunc(s.sampleRounds(ctx))
	}
	end, unwatched, err := w.Watch(ctx, s.SettleInterval)
	if err != nil {
		s.watch.failed = errors.Join(s.watch.failed, err)
		return func() {}
	}
	s.watch.unwatched = append(s.watch.unwatched, unwatched...)
	return sync.OnceFunc(func() {
		seen, err := end()
		s.findings.Interruptions = append(s.findings.Interruptions, seen...)
		s.watch.failed = errors.Join(s.watch.failed, err)
	})
}

// sampleRounds probes at an interval.
func (s *session) sampleRounds(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		for sleep(ctx, s.SettleInterval) == nil {
			_, matrix, err := s.prober.Probe(ctx)
			if ctx.Err() != nil {
				return
			}
			if s.watch.failed = err; err == nil {
				s.watch.round(s.Now(), matrix)
			}
		}
	})
	return func() { cancel(); done.Wait() }
}

// longest keeps one interruption an edge, whichever way it was seen; ordered by edge.
func longest(all []gate.Interruption) []gate.Interruption {
	slices.SortFunc(all, func(a, b gate.Interruption) int {
		return cmp.Or(a.Edge.Compare(b.Edge), cmp.Compare(b.Duration, a.Duration))
	})
	return slices.CompactFunc(all, func(a, b gate.Interruption) bool { return a.Edge == b.Edge })
}

// withoutLost leaves out the edges that did not come back: they are lost, not interrupted.
func withoutLost(all []gate.Interruption, after reach.Matrix) []gate.Interruption {
	lost := map[reach.Edge]bool{}
	for _, r := range after.Edges {
		lost[r.Edge] = r.Outcome == reach.Unreachable
	}
	return slices.DeleteFunc(all, func(i gate.Interruption) bool { return lost[i.Edge] })
}

// noteInterruptions puts what was seen during the change into the findings.
func (s *session) noteInterruptions() {
	all := slices.Concat(s.findings.Interruptions, s.watch.interruptions(s.Now()))
	s.findings.Interruptions = longest(withoutLost(all, s.findings.After))
	if s.watch.failed != nil {
		problem := fmt.Sprintf("sampling the edges during the change: %v", s.watch.failed)
		if s.env.Gate.MaxInterruption > 0 {
			s.findings.Unclear = append(s.findings.Unclear, problem)
		} else {
			s.findings.Remarks = append(s.findings.Remarks, problem)
		}
	}
	if text := s.watch.leftOut(); text != "" {
		s.findings.Remarks = append(s.findings.Remarks, text)
	}
}

// namedUnwatched is how many a remark names.
const namedUnwatched = 10

// leftOut names the edges whose interruptions would not have been seen.
func (w *watch) leftOut() string {
	var names []string
	for _, e := range w.unwatched {
		if w.protected[e] && !slices.Contains(names, e.String()) {
			names = append(names, e.String())
		}
	}
	if len(names) == 0 {
		return ""
	}
	more := ""
	if left := len(names) - namedUnwatched; left > 0 {
		names, more = names[:namedUnwatched], fmt.Sprintf(" and %d more", left)
	}
	return "not sampled during the change, since their addresses go with single pods: " + strings.Join(names, ", ") + more
}
