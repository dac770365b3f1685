package live

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	coordination "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

func TestRank(t *testing.T) {
	tests := []struct {
		scheme string
		ports  []topology.ServicePort
		want   uint16
	}{
		{"http", []topology.ServicePort{{Name: "web", Number: 80}, {Name: "websecure", Number: 443}}, 80},
		{"https", []topology.ServicePort{{Name: "web", Number: 80}, {Name: "websecure", Number: 443}}, 443},
		{"http", []topology.ServicePort{{Name: "status-port", Number: 15021}, {Name: "http2", Number: 80}}, 80},
		{"http", []topology.ServicePort{{Name: "metrics", Number: 8080}, {Name: "http", Number: 8000}}, 8000},
		{"https", []topology.ServicePort{{Name: "http", Number: 443}}, 0},
		{"http", []topology.ServicePort{{Number: 80}}, 80},
		{"https", []topology.ServicePort{{Number: 80}, {Number: 8443}}, 8443},
		{"http", []topology.ServicePort{{Name: "admin", Number: 9000}}, 0},
	}
	for _, test := range tests {
		for i := range test.ports {
			test.ports[i].Protocol = topology.TCP
		}
		got, ok := servicePort(&topology.Service{Ports: test.ports}, test.scheme)
		if got.Number != test.want || ok != (test.want != 0) {
			t.Errorf("%s of %v: got %d", test.scheme, test.ports, got.Number)
		}
	}
}

func TestHostAndPath(t *testing.T) {
	for pattern, want := range map[string]string{"": "", "*": "", "shop.example": "shop.example", "*.shop.example": "stagegate.shop.example"} {
		if got := host(pattern); got != want {
			t.Errorf("host %q: got %q", pattern, got)
		}
	}
	if literal("/api/(.*)", "ImplementationSpecific") || !literal("/api", "ImplementationSpecific") || !literal("/a+b", "Exact") {
		t.Error("patterns are not told from paths")
	}
}

// testPlanner has a Deployment of two pods on two nodes behind a Service.
func testPlanner(t *testing.T) *planner {
	t.Helper()
	pod := func(name, node, ip string, ready bool) *topology.Pod {
		return &topology.Pod{
			Namespace: "shop", Name: name, Node: node, Workload: "deployment/shop/web", Ready: ready,
			IPs: []netip.Addr{netip.MustParseAddr(ip)}, Labels: map[string]string{"app": "web", "pod-template-hash": name},
		}
	}
	port := topology.ServicePort{Number: 80, Protocol: topology.TCP}
	topo := &topology.Cluster{
		Pods: []*topology.Pod{pod("web-1", "n1", "10.0.0.1", false), pod("web-2", "n2", "10.0.0.2", true), pod("web-3", "n2", "10.0.0.3", true)},
		Services: []*topology.Service{
			{Namespace: "shop", Name: "web", ClusterIPs: []netip.Addr{netip.MustParseAddr("10.96.0.1")}, Ports: []topology.ServicePort{port}},
			{Namespace: "shop", Name: "headless", Headless: true, Ports: []topology.ServicePort{port}, Endpoints: map[topology.ServicePort][]topology.Endpoint{
				port: {{Address: netip.MustParseAddr("10.0.0.1"), Port: 8080}, {Address: netip.MustParseAddr("10.0.0.2"), Port: 8080, Ready: true}},
			}},
			{Namespace: "shop", Name: "away", Type: "ExternalName", ExternalName: "api.example"},
		},
	}
	return &planner{Prober: &Prober{options: Options{}.withDefaults(), clients: fake.NewClientset()}, ctx: t.Context(), topo: topo}
}

func TestVantages(t *testing.T) {
	p := testPlanner(t)
	got, err := p.vantages("deployment/shop/web")
	if err != nil || len(got) != 2 || got[0].like.Name != "web-2" || got[1].like.Name != "web-1" {
		t.Errorf("got %v, %v; want the ready pod first, and one on each node", got, err)
	}
	again, err := p.vantages("pod/shop/web-3")
	if err != nil || again[0].key() != got[0].key() {
		t.Errorf("pods of one identity on one node need two probes (%v)", err)
	}
	for _, from := range []string{"deployment/shop/none", "service/shop/web:80", "ingress/shop/none"} {
		if _, err := p.vantages(from); err == nil {
			t.Errorf("%s is a vantage", from)
		}
	}
}

func TestPlaces(t *testing.T) {
	p := testPlanner(t)
	inside := vantage{like: p.topo.Pods[0], node: "n1"}
	tests := []struct {
		to      string
		want    []string
		nothing string
	}{
		{"service/shop/web:80", []string{"10.96.0.1:80"}, ""},
		{"service/shop/web:81", nil, "no port 81/TCP"},
		{"service/shop/none:80", nil, "there is no Service"},
		{"service/shop/headless:80", []string{"10.0.0.2:8080"}, ""},
		{"service/shop/away:443", []string{"api.example:443"}, ""},
		{"deployment/shop/web:8080", []string{"10.0.0.2:8080", "10.0.0.3:8080"}, ""},
		{"pod/shop/web-1:8080", []string{"10.0.0.1:8080"}, ""},
		{"deployment/shop/none:8080", nil, "no pod"},
		{"ip/[2001:db8::1]:443/TCP", []string{"[2001:db8::1]:443"}, ""},
	}
	for _, test := range tests {
		to, err := reach.ParseEndpoint(test.to)
		if err != nil {
			t.Fatal(err)
		}
		places, nothing := p.places(to, inside)
		var got []string
		for _, at := range places {
			got = append(got, at.address)
		}
		if !slices.Equal(got, test.want) || (nothing != nil) != (test.nothing != "") || nothing != nil && !strings.Contains(nothing.reason, test.nothing) {
			t.Errorf("%s: got %v, %+v", test.to, got, nothing)
		}
	}
}

func TestPodLike(t *testing.T) {
	p := testPlanner(t)
	original := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web-1", Namespace: "shop", Labels: map[string]string{"app": "web", "pod-template-hash": "x"}},
		Spec:       corev1.PodSpec{ServiceAccountName: "web", Tolerations: []corev1.Toleration{{Key: "gpu"}}},
	}
	p.options.RunID = "run-1"
	pod := p.podLike(original, "n1", &coordination.Lease{ObjectMeta: metav1.ObjectMeta{Name: "l", UID: "u"}})
	if pod.Labels["app"] != "web" || pod.Labels[reach.ProbeLabel] != "run-1" || pod.Labels["pod-template-hash"] != "" {
		t.Errorf("labels: %v", pod.Labels)
	}
	if pod.Spec.NodeName != "n1" || pod.Spec.ServiceAccountName != "web" || len(pod.Spec.Tolerations) != 1 || *pod.Spec.AutomountServiceAccountToken {
		t.Errorf("spec: %+v", pod.Spec)
	}
	if owner := metav1.GetControllerOf(pod); owner == nil || owner.Kind != "Lease" {
		t.Errorf("a controller could adopt it: owner %v", owner)
	}
	// Two rounds of time-outs take at least three seconds.
	if ready := pod.Spec.Containers[0].ReadinessProbe; (ready.PeriodSeconds+ready.TimeoutSeconds)*ready.FailureThreshold > 4 {
		t.Errorf("a broken probe is believed for too long: %+v", ready)
	}
	if len(pod.Spec.ReadinessGates) == 0 {
		t.Error("it could become ready")
	}
	if original.Labels["pod-template-hash"] == "" {
		t.Error("the original was changed")
	}
}

func TestServiceThatPublishesNotReadyAddresses(t *testing.T) {
	p := testPlanner(t)
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "peers", Namespace: "shop"},
		Spec:       corev1.ServiceSpec{PublishNotReadyAddresses: true, Selector: map[string]string{"app": "web"}},
	}
	p.clients = fake.NewClientset(service)
	if err := p.collides(t.Context(), p.topo.Pods[0]); err == nil || !strings.Contains(err.Error(), "shop/peers") {
		t.Errorf("got %v", err)
	}
	other := &topology.Pod{Namespace: "shop", Labels: map[string]string{"app": "db"}}
	if err := p.collides(t.Context(), other); err != nil {
		t.Errorf("other labels: %v", err)
	}
}
