package pipeline

import (
	"testing"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/reach"
)

// A change that could never pass is held back before anything is touched.
func TestUnproven(t *testing.T) {
	edge := reach.Edge{From: "external", To: "ingress/shop/web"}
	found := func(o reach.Outcome) []reach.Result { return []reach.Result{{Edge: edge, Outcome: o}} }
	for name, test := range map[string]struct {
		checks  config.Checks
		minimum reach.Grade
		edges   []reach.Result
		want    bool
	}{
		"good":               {config.DefaultChecks(), reach.Modelled, found(reach.Reachable), false},
		"broken":             {config.DefaultChecks(), reach.Modelled, found(reach.Unreachable), false},
		"not known":          {config.DefaultChecks(), reach.Modelled, found(reach.Error), true},
		"too weak":           {config.DefaultChecks(), reach.Live, found(reach.Reachable), true},
		"nothing there yet":  {config.DefaultChecks(), reach.Modelled, nil, false}, // the change may bring the first edges
		"nothing to be seen": {config.Checks{Discover: config.Discover{Services: config.NoServices}}, reach.Modelled, nil, true},
		"declared alone":     {config.Checks{Discover: config.Discover{Services: config.NoServices}, Checks: []config.Check{{Edge: edge}}}, reach.Modelled, nil, false},
	} {
		s := &session{run: &run{}, env: &config.Environment{Gate: config.Gate{MinimumGrade: test.minimum}}, checks: test.checks}
		s.findings.Baseline = reach.Matrix{Grade: reach.Modelled, Edges: test.edges}
		if got := s.unproven(); got != test.want {
			t.Errorf("%s: unproven = %t", name, got)
		}
	}
}
