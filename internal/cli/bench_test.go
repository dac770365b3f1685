package cli_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stagegate/stagegate/internal/cli"
)

// BenchmarkCheck checks a change of 1,000 objects against a directory of 5,000, as the
// whole command does it: 50 namespaces of Deployments, Services and NetworkPolicies.
func BenchmarkCheck(b *testing.B) {
	dir := b.TempDir()
	writeApps(b, filepath.Join(dir, "state"), "app", 50, 33) // 50 + 50*33*3 = 5,000
	writeApps(b, filepath.Join(dir, "change"), "new", 50, 7) // 50 + 50*7*3 = 1,100
	for b.Loop() {
		var errs bytes.Buffer
		code := cli.Main(b.Context(), []string{"check", filepath.Join(dir, "change"), "--against", filepath.Join(dir, "state"), "--quiet"},
			cli.Streams{In: nil, Out: io.Discard, Err: &errs})
		if code != 0 {
			b.Fatalf("exit %d: %s", code, errs.String())
		}
	}
}

// writeApps writes a file for each namespace with n applications.
func writeApps(b *testing.B, dir, prefix string, namespaces, n int) {
	b.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	for ns := range namespaces {
		var out bytes.Buffer
		fmt.Fprintf(&out, "apiVersion: v1\nkind: Namespace\nmetadata: {name: team-%d}\n", ns)
		for i := range n {
			fmt.Fprintf(&out, application, fmt.Sprintf("%s-%d", prefix, i), ns)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("team-%d.yaml", ns)), out.Bytes(), 0o600); err != nil {
			b.Fatal(err)
		}
	}
}

const application = `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s, namespace: team-%[2]d}
spec:
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec: {containers: [{name: c, image: app, ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: %[1]s, namespace: team-%[2]d}
spec: {selector: {app: %[1]s}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: %[1]s, namespace: team-%[2]d}
spec:
  podSelector: {matchLabels: {app: %[1]s}}
  policyTypes: [Ingress]
  ingress:
    - from: [{podSelector: {}}]
      ports: [{port: http}]
`
