//go:build e2e

package e2e

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/stagegate/stagegate/internal/cluster/clustertest"
	"github.com/stagegate/stagegate/internal/cluster/kubeconfig"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/live"
)

// CalicoVariable names a directory with crds.yaml, calico.yaml (Felix, enforcing policies
// only) and default-deny.yaml.
const calicoVariable = "STAGEGATE_TEST_CALICO"

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
	options.Image, options.RunID, options.Progress = w.image, run, w.t.Logf
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

// TestLive sends packets through a real Traefik to a real podinfo, and from pods with
// their identities.
func TestLive(t *testing.T) {
	w := newWorld(t, "live", "")
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
		"daemonset/kube-system/kube-proxy -> service/shop/podinfo:9999/TCP": {"reachable", "stand-in of daemonset/kube-system/kube-proxy"},
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
	t.Run("declared", func(t *testing.T) { testDeclared(t, w) })
	t.Run("forward", func(t *testing.T) { testForward(t, w) })
	t.Run("ephemeral", func(t *testing.T) { testEphemeral(t, w) })
	t.Run("cancel", func(t *testing.T) { testCancel(t, w) })
	t.Run("leftovers", func(t *testing.T) { testLeftovers(t, w) })
	t.Run("kubeconfig", func(t *testing.T) { testKubeconfig(t, w) })
}

// testKubeconfig uses the cluster as one that somebody else made.
func testKubeconfig(t *testing.T, w *world) {
	content, err := os.ReadFile(w.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	spec := config.KubeconfigProvider{Path: w.kubeconfig, Context: "kind-stagegate-live"}
	clustertest.RunExisting(t, kubeconfig.New(spec, "staging", t.TempDir()), "live")
	if now, err := os.ReadFile(w.kubeconfig); err != nil || string(now) != string(content) {
		t.Errorf("the user's kubeconfig was changed (%v)", err)
	}
}

// testDeclared holds answers against declared checks: HTTP, gRPC health and names.
func testDeclared(t *testing.T, w *world) {
	node := w.node()
	const grpc, web, plain = "deployment/traefik/traefik -> service/shop/podinfo:9999/TCP", "deployment/traefik/traefik -> service/shop/podinfo:80/TCP",
		"deployment/shop/podinfo -> service/shop/podinfo:80/TCP"
	server, elsewhere := nameServer(t, node), nameServer(t, "192.0.2.7")
	tests := []struct {
		edge    string
		check   config.Check
		outcome reach.Outcome
		reason  string
	}{
		{published, config.Check{HTTP: &config.HTTPCheck{Status: []int{200}, BodyContains: "podinfo"}}, reach.Reachable, "HTTP 200"},
		{published, config.Check{HTTP: &config.HTTPCheck{Status: []int{204}}}, reach.Unreachable, "not 204"},
		{grpc, config.Check{GRPC: &config.GRPCCheck{Service: "podinfo"}}, reach.Reachable, "SERVING"},
		{grpc, config.Check{GRPC: &config.GRPCCheck{Service: "nobody"}}, reach.Unreachable, "gRPC status 5"},
		{web, config.Check{GRPC: &config.GRPCCheck{}}, reach.Error, ""},
		{plain, config.Check{DNS: &config.DNSCheck{Name: "podinfo.shop.svc.cluster.local"}}, reach.Reachable, ""},
		{plain, config.Check{DNS: &config.DNSCheck{Name: "nobody.elsewhere.svc.cluster.local"}}, reach.Unreachable, "does not resolve"},
		{published, config.Check{DNS: &config.DNSCheck{Name: "shop.example", Address: "ingress", Server: server}}, reach.Reachable, ""},
		{published, config.Check{DNS: &config.DNSCheck{Name: "shop.example", Address: "ingress", Server: elsewhere}}, reach.Unreachable, "resolves to 192.0.2.7, not to " + node},
	}
	options := live.Options{}
	var edges []reach.Expectation
	for i, test := range tests {
		e := expect(test.edge)[0]
		e.Name = strconv.Itoa(i)
		test.check.Name, test.check.Edge = e.Name, e.Edge
		options.Checks = append(options.Checks, test.check)
		edges = append(edges, e)
	}
	p := w.prober("run-declared", options)
	for i, test := range tests { // one by one, since edges are equal
		m, err := p.Probe(t.Context(), w.topology(), edges[i:i+1])
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Edges[0]; got.Outcome != test.outcome || !strings.Contains(got.Reason, test.reason) {
			t.Errorf("%s %+v: %s: %s\n\twant %s: %s", test.edge, test.check, got.Outcome, got.Reason, test.outcome, test.reason)
		}
	}
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// nameServer is a DNS server on this machine that answers every question with an address.
func nameServer(t *testing.T, address string) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if err := m.Unpack(buffer[:n]); err != nil {
				continue
			}
			m.Response, m.Additionals = true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				a := dnsmessage.AResource{A: netip.MustParseAddr(address).As4()}
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 1}, Body: &a}}
			}
			if packed, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(packed, from)
			}
		}
	}()
	return conn.LocalAddr().String()
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
	measured(t, "a lost edge found, by two rounds that agree, after the policy took effect", took, time.Since(applied)-took, 5*time.Second)
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
	w.remove("deny-traefik.yaml", policy)
	time.Sleep(5 * time.Second)
}

// node is the address of the first node.
func (w *world) node() string {
	w.t.Helper()
	nodes, err := w.clients.CoreV1().Nodes().List(w.t.Context(), metav1.ListOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, a := range nodes.Items[0].Status.Addresses {
		if a.Type == "InternalIP" {
			return a.Address
		}
	}
	w.t.Fatal("the node has no address")
	return ""
}

// TestCalico has Felix cut the ingress controller off with a NetworkPolicy, and with the
// default-deny policy of the incident, and restores it by deleting them.
func TestCalico(t *testing.T) {
	dir := os.Getenv(calicoVariable)
	if dir == "" {
		t.Fatalf("set %s to a directory with Calico's manifests", calicoVariable)
	}
	w := newWorld(t, "calico", "")
	w.apply("testdata/shop.yaml")
	w.apply(filepath.Join(dir, "crds.yaml"))
	w.apply(filepath.Join(dir, "calico.yaml"))
	w.ready("traefik", 1)
	w.ready("shop", 1)
	w.ready("kube-system", 8)
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

	stop, err := p.Watch(t.Context(), w.topology(), expect(edges...), 500*time.Millisecond)
	if err != nil {
		t.Fatal(err)
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
