package live

import (
	"time"

	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/probe"
	"github.com/stagegate/stagegate/internal/reach"
)

// sampled is the samples of one edge from one vantage. Times are by the clock of the vantage,
// unless they are said to be by this process's.
type sampled struct {
	edge    reach.Edge
	attempt attempt
	direct  *probe.Result // the last answer of a backend itself
	up      bool          // it has been reachable
	since   time.Time     // down since, or zero
	last    time.Time     // end of the last sample
	heard   time.Time     // when the last sample came, by this process's clock
	gap     time.Duration // the longest time between two samples
	past    []downtime
	steady  bool // it was up before and after, once the samples have ended
}

// downtime is an interruption and when it began.
type downtime struct {
	gate.Interruption
	began time.Time
}

func (s *sampled) note(r probe.Result, b beside, now time.Time) {
	if !s.heard.IsZero() {
		s.gap = max(s.gap, r.At.Sub(s.last))
	}
	s.last, s.heard = r.At.Add(r.Latency), now
	switch s.attempt.goal.judge(r, b).outcome {
	case reach.Unreachable:
		if s.up && s.since.IsZero() {
			s.since = r.At
		}
	case reach.Reachable:
		if !s.since.IsZero() {
			s.over(r.At.Sub(s.since), true)
		}
		s.up = true
	}
}

// over notes an interruption, and whether its end was seen.
func (s *sampled) over(after time.Duration, healed bool) {
	s.past = append(s.past, downtime{gate.Interruption{Edge: s.edge, Duration: after, Healed: healed}, s.since})
	s.since = time.Time{}
}

// end closes the samples. An edge that was down when last sampled has come back if the
// probing that began afterwards reached it, at the latest when that ended.
func (s *sampled) end(now time.Time, latest probing) {
	reached := latest.reached[s.edge]
	if !s.since.IsZero() {
		seen := s.last.Sub(s.since)
		if reached && latest.began.After(s.heard) {
			s.over(seen+latest.ended.Sub(s.heard), true)
		} else {
			s.over(seen, false)
		}
	}
	if !s.heard.IsZero() && now.Sub(s.heard) > s.attempt.goal.target.Wait { // an attempt may be under way
		s.gap = max(s.gap, now.Sub(s.heard))
	}
	s.steady = s.up && reached
}

// unsampled says that too long a time between samples leaves open whether the edge was up
// all the while; empty where it does not, or where it was down before or after.
func (s *sampled) unsampled(longest time.Duration) string {
	switch {
	case !s.steady:
		return ""
	case s.heard.IsZero():
		return "was never sampled"
	case s.gap > longest:
		return "was not sampled for " + brief(s.gap).String()
	}
	return ""
}
