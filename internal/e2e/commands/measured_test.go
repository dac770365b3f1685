//go:build e2e

package commands_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/e2e/e2etest"
)

// twentyObjects measures a whole run on staging: 20 objects, and at least 100 edges.
func (s *site) twentyObjects(t *testing.T) {
	staging := s.untouched(t, "staging")
	s.Edit(t, "environments/checks.yaml", "services: namespace", "services: all")
	defer s.Edit(t, "environments/checks.yaml", "services: all", "services: namespace")
	change := "apiVersion: v1\nkind: Namespace\nmetadata: {name: bulk}\n---\n" +
		strings.NewReplacer("name: stuck, namespace: cart", "name: bulk, namespace: bulk", "stuck", "bulk", "/nothing-here", "/readyz").Replace(neverReadyChange)
	for i := range 18 {
		change += fmt.Sprintf("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: bulk-%d, namespace: bulk}\ndata: {number: \"%d\"}\n", i, i)
	}
	s.Write(t, "bulk.yaml", change)
	r := s.Result(t, 0, "stage", "bulk.yaml")
	e := e2etest.Environment(t, r, "staging")
	if len(e.Plan.Items) != 20 || len(e.After.Edges) < 100 {
		t.Errorf("%d objects and %d edges: want 20 and at least 100", len(e.Plan.Items), len(e.After.Edges))
	}
	var own time.Duration
	for _, step := range e.Steps {
		if step.Name == "apply" {
			own = step.Duration
		}
	}
	e2etest.Measured(t, fmt.Sprintf("a run on staging, 20 objects and %d edges (beside it: its apply step with the workload's start)", len(e.After.Edges)), r.Duration, own, 15*time.Second+own)
	s.Run(t, 0, "rollback", r.RunID, "--cluster-name", "e2e-staging")
	staging()
}
