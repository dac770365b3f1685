package pipeline

import (
	"testing"

	"github.com/stagegate/stagegate/internal/reach"
)

func TestExplain(t *testing.T) {
	one := func(o reach.Outcome, reason string) reach.Matrix {
		return reach.Matrix{Edges: []reach.Result{{Edge: web, Outcome: o, Reason: reason}}}
	}
	for name, c := range map[string]struct{ found, model, want reach.Matrix }{
		"agreed, cut": {one(reach.Unreachable, "time-out"), one(reach.Unreachable, "policy p"), one(reach.Unreachable, "time-out; policy p")},
		"agreed, up":  {one(reach.Reachable, "200"), one(reach.Reachable, "allowed"), one(reach.Reachable, "200")},
		"packets win": {one(reach.Reachable, "200"), one(reach.Unreachable, "policy p"), one(reach.Reachable, "200; the model disagrees (unreachable: policy p)")},
		"no opinion":  {one(reach.Unreachable, "refused"), one(reach.Error, "?"), one(reach.Unreachable, "refused")},
		"an error":    {one(reach.Error, "no probe"), one(reach.Reachable, "allowed"), one(reach.Error, "no probe")},
	} {
		t.Run(name, func(t *testing.T) {
			c.found.Notes = []string{"of the probes"}
			explain(&c.found, c.model)
			if c.found.Edges[0] != c.want.Edges[0] {
				t.Errorf("got  %v\nwant %v", c.found.Edges[0], c.want.Edges[0])
			}
			if disagree := name == "packets win"; (len(c.found.Notes) == 2) != disagree || c.found.Notes[0] != "of the probes" {
				t.Errorf("notes: %q", c.found.Notes)
			}
		})
	}
}
