package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/progress"
	"github.com/stagegate/stagegate/internal/reach"
)

// baseline finds what can be reached before anything is touched: what was already broken
// is not blamed on the change.
func (s *session) baseline(ctx context.Context) error {
	return s.step(ctx, "baseline", func(ctx context.Context, step *progress.Step) (string, error) {
		expected, matrix, err := s.settle(ctx, step, s.showsBroken(s.Now()))
		if err != nil {
			return "", err
		}
		matrix = withoutNewcomers(matrix, s.out.Plan)
		s.findings.Expectations, s.findings.Baseline = expected, matrix
		s.out.Baseline, s.out.Grade = matrix, matrix.Grade
		return tally(matrix), nil
	})
}

// showsBroken tells whether a round before the change can be believed. An edge that is broken
// then is not protected, so it gets the time to come up that a policy has to take effect.
func (s *session) showsBroken(began time.Time) func(round) bool {
	return func(r round) bool {
		return r.matrix.Grade != reach.Live || r.began.Sub(began) >= s.env.Gate.SettleTime || !broken(r)
	}
}

// broken tells whether an edge is unreachable that is not meant to be.
func broken(r round) bool {
	meant := map[reach.Edge]bool{}
	for _, e := range r.expected {
		meant[e.Edge] = meant[e.Edge] || e.Want == reach.Unreachable
	}
	return slices.ContainsFunc(r.matrix.Edges, func(x reach.Result) bool { return x.Outcome == reach.Unreachable && !meant[x.Edge] })
}

// unproven tells, before anything is touched, that the change could never pass here: an
// edge whose baseline is not known, a grade that is not good enough, or no edge now or
// later. It notes why.
func (s *session) unproven() bool {
	if blind(s.checks) || !s.findings.Baseline.Grade.Satisfies(s.env.Gate.MinimumGrade) {
		return true
	}
	unknown := false
	for _, r := range s.findings.Baseline.Edges {
		if !decided(r.Outcome) {
			unknown = true
			s.findings.Unclear = append(s.findings.Unclear, fmt.Sprintf("%s: not known before the change, which was therefore not applied: %s", r.Edge, r.Reason))
		}
	}
	return unknown
}

// blind is true where no edge can be found, whatever the change brings.
func blind(c config.Checks) bool {
	return !c.Discover.Ingresses && c.Discover.Services == config.NoServices && len(c.Checks) == 0
}

// tally counts a matrix for people.
func tally(m reach.Matrix) string {
	count := map[reach.Outcome]int{}
	for _, r := range m.Edges {
		count[r.Outcome]++
	}
	text := fmt.Sprintf("%d of %s reachable (%s)", count[reach.Reachable], counted(len(m.Edges), "edge"), m.Grade)
	if bad := count[reach.Error] + count[reach.Unknown]; bad > 0 {
		text += fmt.Sprintf(", %d could not be found out", bad)
	}
	return text
}

// counted is a number with its noun: "1 edge", "2 edges".
func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
