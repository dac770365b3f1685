package pipeline

import (
	"context"

	"github.com/stagegate/stagegate/internal/progress"
	"github.com/stagegate/stagegate/internal/reach"
)

// verify probes until two rounds agree, which ends the sampling during the change, lets
// the change soak, and probes again.
func (s *session) verify(ctx context.Context, settled func()) error {
	err := s.step(ctx, "verify", func(ctx context.Context, step *progress.Step) (string, error) {
		defer settled()
		return s.observe(ctx, step)
	})
	if err != nil || s.env.Gate.Soak == 0 {
		return err
	}
	return s.step(ctx, "soak", func(ctx context.Context, step *progress.Step) (string, error) {
		step.Update("for %s", s.env.Gate.Soak)
		stop := s.sample(ctx)
		defer stop()
		if err := sleep(ctx, s.env.Gate.Soak); err != nil {
			return "", err
		}
		if !s.closely() {
			stop()
		}
		return s.observe(ctx, step)
	})
}

func (s *session) observe(ctx context.Context, step *progress.Step) (string, error) {
	expected, matrix, err := s.settle(ctx, step, s.showsLosses)
	if err != nil {
		return "", err
	}
	s.findings.After = matrix
	s.findings.Expectations = merge(s.findings.Expectations, expected)
	return tally(matrix), nil
}

// showsLosses tells whether a round after the change can be believed. That an edge of the
// baseline is lost can be believed at once; that none is, only when what was applied has had
// the time to take effect. What is modelled takes effect at once.
func (s *session) showsLosses(r round) bool {
	found := s.findings
	found.After = r.matrix
	return r.matrix.Grade != reach.Live || r.began.Sub(s.applied) >= s.env.Gate.SettleTime || found.Lost()
}

// merge adds the expectations that came with the change to those of the baseline. One
// that is gone stays: the gate has to see that its edge is no more.
func merge(before, after []reach.Expectation) []reach.Expectation {
	known := make(map[reach.Edge]bool, len(after))
	for _, e := range after {
		known[e.Edge] = true
	}
	for _, e := range before {
		if !known[e.Edge] {
			after = append(after, e)
		}
	}
	return after
}
