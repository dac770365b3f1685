package gate

import (
	"fmt"
	"time"
)

// interruptions judges how long edges were down while the change was applied.
func (f Findings) interruptions(policy Policy) []Finding {
	var out []Finding
	for _, i := range f.Interruptions {
		out = append(out, i.finding(policy.MaxInterruption))
	}
	return out
}

func (i Interruption) finding(longest time.Duration) Finding {
	finding := Finding{Verdict: Pass, Rule: RuleInterruption, Edge: &i.Edge}
	switch {
	case longest > 0 && i.Duration > longest:
		finding.Verdict = Blocked
		finding.Message = fmt.Sprintf("down for %s while the change was applied, longer than gate.maxInterruption %s", i.Duration.Round(time.Millisecond), longest)
	case longest > 0 && !i.Healed:
		finding.Verdict = Inconclusive
		finding.Message = fmt.Sprintf("down for at least %s while the change was applied; when it came back is not known", i.Duration.Round(time.Millisecond))
	default:
		finding.Message = fmt.Sprintf("down for %s while the change was applied", i.Duration.Round(time.Millisecond))
	}
	return finding
}
