package pipeline

import (
	"context"
	"slices"
	"time"

	"github.com/stagegate/stagegate/internal/progress"
	"github.com/stagegate/stagegate/internal/reach"
)

// round is one round of probes: what was expected and found, and when it began.
type round struct {
	began    time.Time
	expected []reach.Expectation
	matrix   reach.Matrix
}

// settle probes until two rounds agree, and the last of them can be believed: policies and
// endpoints take effect seconds after they are written, and on each node on its own. Within
// the time allowed: edges that never agree are errors.
func (s *session) settle(ctx context.Context, step *progress.Step, believed func(round) bool) ([]reach.Expectation, reach.Matrix, error) {
	var deadline time.Time
	var before reach.Matrix
	for n := 1; ; n++ {
		began := s.Now()
		expected, now, err := s.prober.Probe(ctx)
		if err != nil {
			return nil, reach.Matrix{}, err
		}
		s.watch.round(s.Now(), now)
		step.Update("round %d: %s", n, tally(now))
		if n == 1 { // which also made what is needed for probing, and that takes its own time
			deadline = s.Now().Add(s.env.Gate.SettleTimeout)
		}
		agree := n > 1 && sameOutcomes(before, now)
		if agree && believed(round{began, expected, now}) {
			return expected, now, nil
		}
		if n > 1 && s.Now().After(deadline) {
			if !agree {
				now = flaky(before, now)
			}
			return expected, now, nil
		}
		before = now
		if err := sleep(ctx, s.SettleInterval); err != nil {
			return nil, reach.Matrix{}, err
		}
	}
}

func sameOutcomes(a, b reach.Matrix) bool {
	return slices.EqualFunc(a.Edges, b.Edges, func(x, y reach.Result) bool {
		return x.Edge == y.Edge && x.Outcome == y.Outcome
	})
}

// flaky makes errors of the edges on which the last two rounds do not agree.
func flaky(before, now reach.Matrix) reach.Matrix {
	was := make(map[reach.Edge]reach.Outcome, len(before.Edges))
	for _, r := range before.Edges {
		was[r.Edge] = r.Outcome
	}
	out := now
	out.Edges = slices.Clone(now.Edges)
	for i, r := range out.Edges {
		if was[r.Edge] != r.Outcome {
			out.Edges[i].Reason = "flaky: " + was[r.Edge].String() + " in one round, " + r.Outcome.String() + " in the next: " + r.Reason
			out.Edges[i].Outcome, out.Edges[i].Cause = reach.Error, ""
		}
	}
	return out
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
