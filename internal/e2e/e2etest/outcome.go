//go:build e2e

package e2etest

import (
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/report"
)

// Restored wants an environment blocked, its change taken back, and nothing thrown away.
func Restored(t *testing.T, e report.Environment) {
	t.Helper()
	if e.Decision.Verdict != gate.Blocked || e.Reverted == nil || !e.Reverted.Restored || e.Reverted.Recreated {
		t.Errorf("%s: verdict %s, reverted %+v", e.Name, e.Decision.Verdict, e.Reverted)
	}
	if e.Grade != reach.Live {
		t.Errorf("%s: grade %s", e.Name, e.Grade)
	}
}

// Lost wants a finding of the rule for an edge, with the text in its message.
func Lost(t *testing.T, e report.Environment, edge string, texts ...string) {
	t.Helper()
	for _, f := range e.Decision.Findings {
		if f.Rule != gate.RuleLost || f.Edge == nil || f.Edge.String() != edge {
			continue
		}
		for _, text := range texts {
			if !strings.Contains(f.Message, text) {
				t.Errorf("%s: %s: it does not say %q", edge, f.Message, text)
			}
		}
		return
	}
	t.Errorf("%s: no loss of %s was found", e.Name, edge)
}

// ShopFront is the edge that the shipped platform lives by.
const ShopFront = "external -> ingress/storefront/web (shop.example/)"
