//go:build e2e

package commands_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/e2e/e2etest"
)

// withNamespace is a change that is blocked in verify: nothing is behind its Ingress.
const withNamespace = `apiVersion: v1
kind: Namespace
metadata: {name: late}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: late, namespace: late}
spec:
  ingressClassName: traefik
  rules: [{host: late.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: none, port: {number: 80}}}}]}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: late, namespace: late}
spec:
  selector: {matchLabels: {app: late}}
  template:
    metadata: {labels: {app: late}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: podinfo, image: "ghcr.io/stefanprodan/podinfo:6.9.2", imagePullPolicy: IfNotPresent}]
`

func (s *site) interrupted(t *testing.T) {
	s.Write(t, "late.yaml", withNamespace)
	staging := s.untouched(t, "staging")
	for _, at := range []string{"staging: plan …", "probe pods made", "staging: apply …", "staging: verify …", "staging: revert …"} {
		t.Run(at, func(t *testing.T) {
			s.Interrupt(t, 130, at, "stage", "late.yaml")
			s.clean(t, "staging")
		})
	}
	staging()
	t.Run("soak", func(t *testing.T) {
		s.Edit(t, "environments/staging.yaml", "soak: 0s", "soak: 1m")
		defer s.Edit(t, "environments/staging.yaml", "soak: 1m", "soak: 0s")
		s.Interrupt(t, 130, "staging: soak …", "stage", "late.yaml")
		staging()
	})
	t.Run("production", s.interruptedInProduction)
	t.Run("cluster", func(t *testing.T) {
		content, err := os.ReadFile(s.Path("environments/staging.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		s.Write(t, "cut/cut.yaml", strings.NewReplacer("name: staging", "name: cut", "clusterName: e2e-staging", "clusterName: e2e-cut",
			"base: ", "# ", "checks: ", "# ").Replace(string(content)))
		s.Interrupt(t, 130, "creating kind cluster", "env", "up", "--cluster-name", "e2e-cut", "--environments", "cut")
		if left := e2etest.Engine(t, nil, "ps", "--all", "--quiet", "--filter", "label=io.x-k8s.kind.cluster=stagegate-e2e-cut"); left != "" {
			t.Errorf("containers are left: %s", left)
		}
	})
}

// interruptedInProduction interrupts a change that staging has passed: what was applied is
// taken back, which the exit code tells.
func (s *site) interruptedInProduction(t *testing.T) {
	s.Write(t, "note.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: note, namespace: cart}}\n")
	s.Result(t, 0, "stage", "note.yaml")
	production := s.untouched(t, "production")
	for _, test := range []struct {
		at   string
		exit int
	}{
		{"production: plan …", 130},
		{"production: baseline …", 130},
		{"production: apply …", 5},
		{"production: verify …", 5},
	} {
		t.Run(test.at, func(t *testing.T) {
			s.Interrupt(t, test.exit, test.at, "promote", "note.yaml")
			production()
		})
	}
}
