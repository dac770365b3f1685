package pipeline

import (
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/reach"
)

// decide puts the findings before the gate and notes its decision.
func (s *session) decide() {
	s.out.Expectations, s.out.After = s.findings.Expectations, s.findings.After
	s.out.Interruptions = s.findings.Interruptions
	if s.findings.After.Grade != "" { // else nothing was probed, which is no difference
		s.out.Difference = reach.Compare(s.findings.Baseline, s.findings.After)
	}
	s.out.Decision = gate.Decide(s.env.Gate, s.findings)
}
