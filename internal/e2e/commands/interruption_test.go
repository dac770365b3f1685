//go:build e2e

package commands_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/e2e/e2etest"
	"github.com/stagegate/stagegate/internal/gate"
)

// interruption changes a Deployment whose pods are all stopped before new ones start.
func (s *site) interruption(t *testing.T) {
	staging := s.untouched(t, "staging")
	platform, err := os.ReadFile(s.Path("environments/base/platform.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var change string
	for document := range strings.SplitSeq(string(platform), "\n---\n") {
		if strings.Contains(document, "kind: Deployment\nmetadata: {name: api, namespace: catalog}") {
			change = strings.Replace(document, "spec:\n  replicas: 2", "spec:\n  strategy: {rollingUpdate: {maxUnavailable: 100%, maxSurge: 0}}\n  replicas: 2", 1)
			change = strings.Replace(change, "metadata: {labels: {app: api}}", "metadata: {labels: {app: api}, annotations: {restarted: now}}", 1)
			change = strings.Replace(change, "periodSeconds: 1", "initialDelaySeconds: 3, periodSeconds: 1", 1) // long enough for every vantage to see it
		}
	}
	s.Write(t, "restart.yaml", change)
	const edge = "ingress/catalog/api -> service/catalog/api:9898/TCP"
	s.Edit(t, "environments/staging.yaml", "# maxInterruption: 30s", "maxInterruption: 100ms")
	e := e2etest.Environment(t, s.Result(t, 3, "stage", "restart.yaml"), "staging")
	e2etest.Restored(t, e)
	if f := e.Decision.Findings[0]; f.Rule != gate.RuleInterruption || f.Edge == nil || f.Verdict != gate.Blocked {
		t.Errorf("the first finding is not the interruption: %+v", f)
	}
	found := false
	for _, i := range e.Interruptions {
		t.Logf("%s: down for %s, healed %v", i.Edge, i.Duration, i.Healed)
		found = found || i.Edge.String() == edge && i.Healed && i.Duration > 100*time.Millisecond && i.Duration < time.Minute
	}
	if !found {
		t.Errorf("no interruption of %s that healed", edge)
	}
	s.Edit(t, "environments/staging.yaml", "maxInterruption: 100ms", "# maxInterruption: 30s")
	staging()
}
