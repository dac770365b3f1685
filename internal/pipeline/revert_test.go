package pipeline

import (
	"testing"

	"github.com/stagegate/stagegate/internal/reach"
)

// An edge that is declared to be closed need not be opened again by a revert: before the
// change nothing may have enforced the policy that closes it.
func TestMissing(t *testing.T) {
	s := &session{}
	s.findings.Baseline = matrix(map[reach.Edge]reach.Outcome{web: reach.Reachable, pay: reach.Reachable})
	s.findings.Expectations = []reach.Expectation{{Edge: web}, {Edge: pay, Want: reach.Unreachable}}
	for name, test := range map[string]struct {
		now  map[reach.Edge]reach.Outcome
		want int
	}{
		"all back":         {map[reach.Edge]reach.Outcome{web: reach.Reachable, pay: reach.Reachable}, 0},
		"closed as meant":  {map[reach.Edge]reach.Outcome{web: reach.Reachable, pay: reach.Unreachable}, 0},
		"cut":              {map[reach.Edge]reach.Outcome{web: reach.Unreachable, pay: reach.Unreachable}, 1},
		"not known":        {map[reach.Edge]reach.Outcome{web: reach.Error, pay: reach.Error}, 2},
		"no longer there":  {map[reach.Edge]reach.Outcome{pay: reach.Reachable}, 1},
		"nothing is there": {nil, 2},
	} {
		if got := s.missing(matrix(test.now)); len(got) != test.want {
			t.Errorf("%s: missing %v; want %d", name, got, test.want)
		}
	}
}
