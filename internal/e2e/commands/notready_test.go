//go:build e2e

package commands_test

import (
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/e2e/e2etest"
	"github.com/stagegate/stagegate/internal/gate"
)

const neverReadyChange = `apiVersion: apps/v1
kind: Deployment
metadata: {name: stuck, namespace: cart}
spec:
  selector: {matchLabels: {app: stuck}}
  template:
    metadata: {labels: {app: stuck}}
    spec:
      containers:
      - name: podinfo
        image: ghcr.io/stefanprodan/podinfo:6.9.2
        imagePullPolicy: IfNotPresent
        readinessProbe: {httpGet: {path: /nothing-here, port: 9898}, periodSeconds: 1}
`

func (s *site) neverReady(t *testing.T) {
	staging, production := s.untouched(t, "staging"), s.untouched(t, "production")
	s.Edit(t, "environments/staging.yaml", "readyTimeout: 5m", "readyTimeout: 8s")
	defer s.Edit(t, "environments/staging.yaml", "readyTimeout: 8s", "readyTimeout: 5m")
	s.Write(t, "never-ready.yaml", neverReadyChange)
	e := e2etest.Environment(t, s.Result(t, 3, "promote", "never-ready.yaml"), "staging")
	e2etest.Restored(t, e)
	if e.Decision.Findings[0].Rule != gate.RuleApply || !strings.Contains(e.Decision.Findings[0].Message, "Deployment.apps cart/stuck") {
		t.Errorf("the first finding is not that the Deployment is not ready: %+v", e.Decision.Findings[0])
	}
	staging()
	production()
}
