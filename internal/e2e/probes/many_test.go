//go:build e2e

package probes_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/stagegate/stagegate/internal/e2e/e2etest"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/live"
)

// testMany measures a thousand edges from ten vantages. The bound is far above what is
// aimed at (five seconds), since the machine may be busy; the figures are in the log.
func testMany(w *world) {
	const vantages, services, ports = 10, 10, 10
	t := w.t
	text := "apiVersion: v1\nkind: Namespace\nmetadata: {name: many}\n"
	for i := range vantages {
		text += fmt.Sprintf(`---
apiVersion: v1
kind: Pod
metadata: {name: app-%d, namespace: many, labels: {app: app-%d}}
spec:
  terminationGracePeriodSeconds: 0
  tolerations: [{operator: Exists}]
  containers: [{name: app, image: %q, command: [/stagegate-probe, serve, "8080"], readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}}]
`, i, i, w.image)
	}
	for i := range services {
		var list []string
		for port := range ports {
			list = append(list, fmt.Sprintf("{name: p%d, port: %d, targetPort: 8080}", port, 9000+port))
		}
		text += fmt.Sprintf("---\napiVersion: v1\nkind: Service\nmetadata: {name: app-%d, namespace: many}\nspec: {selector: {app: app-%d}, ports: [%s]}\n", i, i, strings.Join(list, ", "))
	}
	began := time.Now()
	w.applyText("many.yaml", text)
	w.ready("many", vantages)
	own := time.Since(began)
	var edges, some []string
	for v := range vantages {
		for s := range services {
			for port := range ports {
				edges = append(edges, fmt.Sprintf("pod/many/app-%d -> service/many/app-%d:%d/TCP", v, s, 9000+port))
			}
		}
		some = append(some, edges[len(edges)-1])
	}
	p := w.prober("run-many", live.Options{})
	defer w.nothingLeft()
	defer func() {
		began := time.Now()
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
		t.Logf("everything removed in %s", time.Since(began).Round(10*time.Millisecond))
	}()
	var ready time.Duration
	began = time.Now()
	once := w.prober("run-once", live.Options{Rounds: 1, Progress: func(format string, args ...any) {
		t.Logf(format, args...)
		if strings.Contains(format, "probe pods made") {
			ready = time.Since(began)
		}
	}})
	took := reachable(t, w, once, some)
	e2etest.Measured(t, "10 probe pods made (beside it: 10 plain pods)", ready, own, 4*time.Second)
	e2etest.Measured(t, "10 probe pods made, and one edge probed from each", took, own, 5*time.Second)
	took = reachable(t, w, once, edges)
	e2etest.Measured(t, "1,000 edges from 10 vantages, one round", took, 0, 5*time.Second)
	if err := once.Close(t.Context()); err != nil {
		t.Error(err)
	}
	reachable(t, w, p, edges)
	took = reachable(t, w, p, edges)
	e2etest.Measured(t, "1,000 edges from 10 vantages, two rounds a second apart", took, time.Second, 5*time.Second)
	if took > time.Minute {
		t.Errorf("that is far too long")
	}
	if err := w.clients.CoreV1().Namespaces().Delete(t.Context(), "many", metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
}

// reachable probes edges that must all be reachable, and returns how long it took.
func reachable(t *testing.T, w *world, p *live.Prober, edges []string) time.Duration {
	t.Helper()
	topo := w.topology()
	began := time.Now()
	matrix, err := p.Probe(t.Context(), topo, expect(edges...))
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	if len(matrix.Edges) != len(edges) {
		t.Errorf("%d results for %d edges", len(matrix.Edges), len(edges))
	}
	for _, r := range matrix.Edges {
		if r.Outcome != reach.Reachable {
			t.Errorf("%s: %s: %s", r.Edge, r.Outcome, r.Reason)
		}
	}
	return took
}
