//go:build e2e

package probes_test

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/stagegate/stagegate/internal/e2e/e2etest"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/live"
)

// calicoVariable names a directory with crds.yaml, calico.yaml (Felix, enforcing policies
// only) and default-deny.yaml.
const calicoVariable = "STAGEGATE_TEST_CALICO"

// calico installs Calico's policy engine, and returns the directory of its manifests.
func (w *world) calico() (dir string) {
	w.t.Helper()
	if dir = os.Getenv(calicoVariable); dir == "" {
		w.t.Fatalf("set %s to a directory with Calico's manifests", calicoVariable)
	}
	w.apply(filepath.Join(dir, "crds.yaml"))
	w.apply(filepath.Join(dir, "calico.yaml"))
	w.ready("kube-system", 8)
	return dir
}

// testDetection measures how long after a policy took effect the loss of an edge is found.
// The effect is seen by connecting to the node port again and again from here.
func testDetection(t *testing.T, w *world) {
	t.Helper()
	const edge = "external -> service/traefik/traefik:80/TCP"
	service, err := w.clients.CoreV1().Services("traefik").Get(t.Context(), "traefik", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	door := net.JoinHostPort(w.node(), strconv.Itoa(int(service.Spec.Ports[0].NodePort)))
	p := w.prober("run-detection", live.Options{Rounds: 1})
	reachable(t, w, p, []string{edge})
	policy := `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: traefik}
spec: {podSelector: {}, policyTypes: [Ingress]}
`
	applied := time.Now()
	w.applyText("deny-traefik.yaml", policy)
	effect := make(chan time.Time, 1)
	go func() {
		for {
			tried := time.Now()
			conn, err := net.DialTimeout("tcp", door, 500*time.Millisecond)
			if err != nil {
				effect <- tried
				return
			}
			_ = conn.Close()
			time.Sleep(20 * time.Millisecond)
		}
	}()
	for agreeing := 0; agreeing < 2; time.Sleep(500 * time.Millisecond) { // as a run of the program does
		m, err := p.Probe(t.Context(), w.topology(), expect(edge))
		if err != nil {
			t.Fatal(err)
		}
		if agreeing++; m.Edges[0].Outcome != reach.Unreachable {
			agreeing = 0
		}
		if time.Since(applied) > felixWait {
			t.Fatalf("the loss is not found: %+v", m.Edges)
		}
	}
	took := time.Since(<-effect) - 500*time.Millisecond
	e2etest.Measured(t, "a lost edge found, by two rounds that agree, after the policy took effect", took, time.Since(applied)-took, 5*time.Second)
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
	w.remove("deny-traefik.yaml", policy)
	time.Sleep(5 * time.Second)
}

// testCalico has Felix cut the ingress controller off with a NetworkPolicy, and with the
// default-deny policy of the incident, and restores it by deleting them.
func testCalico(w *world) {
	t := w.t
	w.apply("testdata/shop.yaml")
	dir := w.calico()
	w.ready("traefik", 1)
	w.ready("shop", 1)
	p := w.prober("run-calico", live.Options{})
	defer w.nothingLeft()
	defer func() {
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	edges := []string{published, inside, "deployment/shop/podinfo -> service/shop/podinfo:80/TCP"}
	all := func(outcome, reason string) map[string][2]string {
		wanted := map[string][2]string{}
		for _, e := range edges {
			wanted[e] = [2]string{outcome, reason}
		}
		return wanted
	}
	w.awaitTraefik(p)
	w.want(p, all("reachable", ""))

	stop, unwatched, err := p.Watch(t.Context(), w.topology(), expect(edges...), 500*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if len(unwatched) != 0 {
		t.Errorf("not watched: %v", unwatched)
	}
	policy := `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
`
	w.applyText("deny.yaml", policy)
	time.Sleep(5 * time.Second) // Felix takes up to four
	cut := all("unreachable", "time-out")
	// Traefik's open connection to podinfo outlives the policy; new ones are what counts.
	w.want(p, cut)
	w.remove("deny.yaml", policy)
	time.Sleep(5 * time.Second)
	w.want(p, all("reachable", ""))
	interruptions, err := stop()
	if err != nil {
		t.Error(err)
	}
	t.Logf("interruptions: %+v", interruptions)
	down := map[string]bool{}
	for _, i := range interruptions {
		down[i.Edge.String()] = i.Healed && i.Duration > time.Second && i.Duration < time.Minute
	}
	for _, e := range edges[1:] {
		if !down[e] {
			t.Errorf("%s: no healed interruption was seen", e)
		}
	}

	testDetection(t, w)

	deny, err := os.ReadFile(filepath.Join(dir, "default-deny.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	w.applyText("default-deny.yaml", string(deny))
	time.Sleep(5 * time.Second)
	w.want(p, cut)
	w.remove("default-deny.yaml", string(deny))
	time.Sleep(5 * time.Second)
	w.want(p, all("reachable", ""))
}
