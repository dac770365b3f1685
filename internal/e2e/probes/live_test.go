//go:build e2e

package probes_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/stagegate/stagegate/internal/cluster/clustertest"
	"github.com/stagegate/stagegate/internal/cluster/kubeconfig"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/live"
)

const (
	published = "external -> ingress/shop/podinfo (shop.example/)"
	secured   = "external -> ingress/shop/secure (secure.example/)"
	inside    = "ingress/shop/podinfo -> service/shop/podinfo:80/TCP"
)

func expect(edges ...string) []reach.Expectation {
	var out []reach.Expectation
	for _, text := range edges {
		edge := reach.Edge{}
		text, where, _ := strings.Cut(text, " (")
		edge.From, edge.To, _ = strings.Cut(text, " -> ")
		if where = strings.TrimSuffix(where, ")"); where != "" {
			host, path, _ := strings.Cut(where, "/")
			edge.Host, edge.Path = host, "/"+path
		}
		out = append(out, reach.Expectation{Edge: edge})
	}
	return out
}

func (w *world) prober(run string, options live.Options) *live.Prober {
	w.t.Helper()
	options.Image, options.RunID = w.image, run
	if options.Progress == nil {
		options.Progress = w.t.Logf
	}
	p, err := live.New(w.t.Context(), w.rest, options)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// want probes, and holds each outcome against what is wanted of it and part of its reason.
func (w *world) want(p *live.Prober, wanted map[string][2]string) {
	w.t.Helper()
	var edges []string
	for edge := range wanted {
		edges = append(edges, edge)
	}
	began := time.Now()
	matrix, err := p.Probe(w.t.Context(), w.topology(), expect(edges...))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Logf("probed %d edges in %s", len(edges), time.Since(began).Round(10*time.Millisecond))
	if len(matrix.Edges) != len(edges) || matrix.Grade != reach.Live {
		w.t.Errorf("got %d results of grade %s for %d edges", len(matrix.Edges), matrix.Grade, len(edges))
	}
	for _, r := range matrix.Edges {
		want := wanted[r.Edge.String()]
		if string(r.Outcome) != want[0] || !strings.Contains(r.Reason, want[1]) {
			w.t.Errorf("%s: %s: %s\n\twant %s: %s", r.Edge, r.Outcome, r.Reason, want[0], want[1])
			continue
		}
		w.t.Logf("%s: %s: %s", r.Edge, r.Outcome, r.Reason)
	}
}

// awaitTraefik waits until it serves: it learns of an Ingress a moment after its start.
func (w *world) awaitTraefik(p *live.Prober) {
	w.t.Helper()
	w.eventually("waiting for Traefik", func() error {
		m, err := p.Probe(w.t.Context(), w.topology(), expect(published))
		if err == nil && m.Edges[0].Outcome != reach.Reachable {
			err = errors.New(m.Edges[0].Reason)
		}
		return err
	})
}

// nothingLeft fails where probing has left an object behind.
func (w *world) nothingLeft() {
	w.t.Helper()
	pods, err := w.clients.CoreV1().Pods("").List(context.Background(), metav1.ListOptions{LabelSelector: reach.ProbeLabel})
	if err != nil {
		w.t.Fatal(err)
	}
	leases, err := w.clients.CoordinationV1().Leases("").List(context.Background(), metav1.ListOptions{LabelSelector: reach.ProbeLabel})
	if err != nil {
		w.t.Fatal(err)
	}
	if len(pods.Items)+len(leases.Items) > 0 {
		w.t.Errorf("left in the cluster: %d probe pods, %d leases", len(pods.Items), len(leases.Items))
	}
}

// testLive sends packets through a real Traefik to a real podinfo, and from pods with
// their identities.
func testLive(w *world) {
	t := w.t
	w.apply("testdata/shop.yaml")
	w.ready("traefik", 1)
	w.ready("shop", 1)
	trusted := expect(secured)[0]
	trusted.Name = "trusted"
	p := w.prober("run-live", live.Options{Checks: []config.Check{
		{Name: "trusted", Edge: trusted.Edge, TLS: &config.TLSCheck{}},
	}})
	defer w.nothingLeft()
	defer func() {
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	w.awaitTraefik(p)
	w.want(p, map[string][2]string{
		published: {"reachable", "HTTP 200"},
		"external -> ingress/shop/podinfo (shop.example/nobody)": {"unreachable", "does not know"},
		secured: {"reachable", "HTTP 200"},
		inside:  {"reachable", "the cluster address"},
		"deployment/traefik/traefik -> service/shop/podinfo:80/TCP":         {"reachable", "stand-in of deployment/traefik/traefik"},
		"deployment/traefik/traefik -> service/shop/nobody:80/TCP":          {"unreachable", "refused"},
		"deployment/shop/podinfo -> deployment/shop/podinfo:9898/TCP":       {"reachable", "connected"},
		"deployment/shop/podinfo -> deployment/shop/podinfo:81/TCP":         {"unreachable", "refused"},
		"deployment/shop/podinfo -> service/kube-system/kube-dns:53/UDP":    {"reachable", "answered"},
		"deployment/shop/podinfo -> service/kube-system/kube-dns:53/TCP":    {"reachable", "connected"},
		"deployment/shop/podinfo -> ingress/shop/podinfo (shop.example/)":   {"reachable", "HTTP 200"},
		"daemonset/kube-system/kube-proxy -> service/shop/podinfo:9999/TCP": {"reachable", "the host network of node"},
		"deployment/shop/none -> service/shop/podinfo:80/TCP":               {"error", "no pod"},
		"deployment/shop/podinfo -> service/shop/podinfo:80/SCTP":           {"unreachable", "no port"},
		"deployment/shop/podinfo -> service/shop/absent:80/TCP":             {"unreachable", "no Service"},
	})
	endpoints, err := w.clients.DiscoveryV1().EndpointSlices("shop").List(t.Context(), metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=podinfo"})
	if err != nil {
		t.Fatal(err)
	}
	ready := 0
	for _, slice := range endpoints.Items {
		for _, e := range slice.Endpoints {
			if *e.Conditions.Ready {
				ready++
			}
		}
	}
	if ready != 1 {
		t.Errorf("Service shop/podinfo has %d ready endpoints: probe pods get its traffic", ready)
	}
	replicas, err := w.clients.AppsV1().Deployments("shop").Get(t.Context(), "podinfo", metav1.GetOptions{})
	if err != nil || replicas.Status.Replicas != 1 {
		t.Errorf("the Deployment counts %d replicas: probe pods are adopted (%v)", replicas.Status.Replicas, err)
	}
	if m, err := p.Probe(t.Context(), w.topology(), []reach.Expectation{trusted}); err != nil || m.Edges[0].Outcome != reach.Unreachable || !strings.Contains(m.Edges[0].Reason, "not trusted") {
		t.Errorf("a certificate that nobody signed: %+v, %v", m.Edges, err)
	}
	t.Run("declared", func(t *testing.T) { testDeclared(t, w.in(t)) })
	t.Run("forward", func(t *testing.T) { testForward(t, w.in(t)) })
	t.Run("ephemeral", func(t *testing.T) { testEphemeral(t, w.in(t)) })
	t.Run("cancel", func(t *testing.T) { testCancel(t, w.in(t)) })
	t.Run("leftovers", func(t *testing.T) { testLeftovers(t, w.in(t)) })
	t.Run("kubeconfig", func(t *testing.T) { testKubeconfig(t, w.in(t)) })
}

// testKubeconfig uses the cluster as one that somebody else made.
func testKubeconfig(t *testing.T, w *world) {
	content, err := os.ReadFile(w.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	spec := config.KubeconfigProvider{Path: w.kubeconfig, Context: "kind-stagegate-one"}
	clustertest.RunExisting(t, kubeconfig.New(spec, "staging", t.TempDir()), "one")
	if now, err := os.ReadFile(w.kubeconfig); err != nil || string(now) != string(content) {
		t.Errorf("the user's kubeconfig was changed (%v)", err)
	}
}

// testEphemeral probes from within the real pod, and leaves nothing running there.
func testEphemeral(t *testing.T, w *world) {
	p := w.prober("run-ephemeral", live.Options{Ephemeral: true})
	m, err := p.Probe(t.Context(), w.topology(), expect("deployment/shop/podinfo -> service/shop/podinfo:80/TCP", "deployment/shop/podinfo -> service/shop/nobody:80/TCP"))
	if err != nil || m.Edges[0].Outcome != reach.Unreachable || m.Edges[1].Outcome != reach.Reachable {
		t.Errorf("got %+v, %v", m.Edges, err)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
	w.eventually("waiting for the ephemeral container to end", func() error {
		pods, err := w.clients.CoreV1().Pods("shop").List(t.Context(), metav1.ListOptions{LabelSelector: "app=podinfo"})
		if err != nil {
			return err
		}
		for _, pod := range pods.Items {
			for _, c := range pod.Status.EphemeralContainerStatuses {
				if c.State.Terminated != nil {
					return nil
				}
			}
		}
		return errors.New("none has ended")
	})
}

// testForward reaches a controller that nothing publishes.
func testForward(t *testing.T, w *world) {
	topo := w.topology()
	for i := range topo.Routes {
		topo.Routes[i].Controller.Services = nil
	}
	p := w.prober("run-forward", live.Options{})
	m, err := p.Probe(t.Context(), topo, expect(published))
	if err != nil || m.Edges[0].Outcome != reach.Reachable || !strings.Contains(m.Edges[0].Reason, "port-forward") {
		t.Errorf("got %+v, %v", m.Edges, err)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// testCancel ends the context in the middle; Close must remove everything all the same.
func testCancel(t *testing.T, w *world) {
	ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
	defer cancel()
	p, err := live.New(ctx, w.rest, live.Options{Image: w.image, RunID: "run-cancel"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Probe(ctx, w.topology(), expect("deployment/shop/podinfo -> service/shop/podinfo:80/TCP")); err == nil {
		t.Error("a cancelled probe gave a matrix")
	}
	if err := p.Close(ctx); err != nil {
		t.Error(err)
	}
	left, err := w.clients.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{LabelSelector: reach.ProbeLabel + "=run-cancel"})
	if err != nil || len(left.Items) > 0 {
		t.Errorf("%d pods are left (%v)", len(left.Items), err)
	}
}

// testLeftovers makes a run that never closes; the next run of the same id removes its pods.
func testLeftovers(t *testing.T, w *world) {
	crashed := w.prober("run-crashed", live.Options{})
	if _, err := crashed.Probe(t.Context(), w.topology(), expect("deployment/shop/podinfo -> service/shop/podinfo:80/TCP")); err != nil {
		t.Fatal(err)
	}
	left := func() int {
		pods, err := w.clients.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{LabelSelector: reach.ProbeLabel + "=run-crashed"})
		if err != nil {
			t.Fatal(err)
		}
		return len(pods.Items)
	}
	other := w.prober("run-other", live.Options{})
	if left() == 0 {
		t.Error("a run removed the pods of another that is alive")
	}
	if err := other.Close(t.Context()); err != nil {
		t.Error(err)
	}
	w.prober("run-crashed", live.Options{})
	if n := left(); n > 0 {
		t.Errorf("%d pods of a crashed run are left", n)
	}
}
