package live

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/probe"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// routed is testPlanner with an Ingress that a controller behind a load balancer serves.
func routed(t *testing.T) (*planner, *topology.Controller) {
	t.Helper()
	p := testPlanner(t)
	p.doors, p.routable = map[string]door{}, map[string]bool{}
	p.controls = map[string]int{}
	p.out = &plan{
		vantages: map[string]vantage{}, settled: map[int]finding{}, targets: map[string][]probe.Target{},
		direct: map[int]direct{}, caveats: map[int]string{},
	}
	controller := &topology.Controller{
		Class: "traefik", Workload: "deployment/ingress/traefik",
		Pods: []*topology.Pod{{Namespace: "ingress", Name: "t-1", Node: "n1", Workload: "deployment/ingress/traefik"}},
		Services: []*topology.Service{{
			Namespace: "ingress", Name: "traefik", LoadBalancer: []string{"198.51.100.1"}, ClusterIPs: []netip.Addr{netip.MustParseAddr("10.96.0.9")},
			Ports: []topology.ServicePort{
				{Name: "web", Number: 80, NodePort: 30080, Protocol: topology.TCP},
				{Name: "websecure", Number: 443, NodePort: 30443, Protocol: topology.TCP},
			},
		}},
	}
	p.topo.Routes = []topology.Route{
		{Owner: "ingress/shop/web", Host: "shop.example", Path: "/", PathType: "Prefix", Controller: controller, Backends: []topology.Backend{{Namespace: "shop", Service: "web", Port: 80, Weight: 1}}},
		{Owner: "ingress/shop/web", Host: "safe.example", Path: "/", PathType: "Prefix", TLS: true, Controller: controller},
		{Owner: "ingress/shop/lost", Host: "lost.example", Path: "/", Problem: "there is no class none"},
		{Owner: "ingress/shop/pattern", Host: "p.example", Path: "/a/(.*)", PathType: "ImplementationSpecific", Controller: controller},
	}
	return p, controller
}

// A door that is shut must not lead to another one, and is tried where it was.
func TestDoorIsKept(t *testing.T) {
	p, controller := routed(t)
	first, err := p.outerDoor(controller, "http")
	if err != nil || first.address != "198.51.100.1:80" {
		t.Fatalf("got %v, %v", first, err)
	}
	controller.Services[0].LoadBalancer = nil
	if again, err := p.outerDoor(controller, "http"); err != nil || again != first {
		t.Errorf("the load balancer is gone, and now %v is tried (%v)", again, err)
	}
	controller.Services[0].LoadBalancer = []string{"198.51.100.2"}
	if moved, err := p.outerDoor(controller, "http"); err != nil || moved.address != "198.51.100.2:80" {
		t.Errorf("the load balancer has moved, and %v is tried (%v)", moved, err)
	}
}

func TestRouteGoals(t *testing.T) {
	p, controller := routed(t)
	inside := vantage{like: p.topo.Pods[0], node: "n1"}
	tests := []struct {
		name    string
		edge    string
		from    vantage
		url     string
		via     string
		nothing string
	}{
		{"outside", "external -> ingress/shop/web (shop.example/)", vantage{}, "http://shop.example/", "198.51.100.1:80", ""},
		{"inside", "deployment/shop/web -> ingress/shop/web (shop.example/)", inside, "http://shop.example/", "10.96.0.9:80", ""},
		{"TLS", "external -> ingress/shop/web (safe.example/)", vantage{}, "https://safe.example/", "198.51.100.1:443", ""},
		{"below a path", "external -> ingress/shop/web (shop.example/cart)", vantage{}, "http://shop.example/cart", "198.51.100.1:80", ""},
		{"no controller", "external -> ingress/shop/lost (lost.example/)", vantage{}, "", "", "there is no class none"},
		{"pattern", "external -> ingress/shop/pattern (p.example/a/(.*))", vantage{}, "", "", "is a pattern"},
		{"not published", "external -> ingress/shop/none (shop.example/)", vantage{}, "", "", "does not publish"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			goals, nothing := p.routeGoals(config.Check{Edge: edge(test.edge)}, test.from)
			if nothing != nil || test.nothing != "" {
				if nothing == nil || !strings.Contains(nothing.reason, test.nothing) {
					t.Errorf("got %+v, %+v; want %q", goals, nothing, test.nothing)
				}
				return
			}
			q := goals[0].target.HTTP
			if q.URL != test.url || q.Resolve[strings.Split(test.url, "/")[2]+map[bool]string{true: ":443", false: ":80"}[strings.HasPrefix(test.url, "https")]] != test.via {
				t.Errorf("got %+v", q)
			}
			if goals[0].control == nil {
				t.Error("nothing tells a 404 of the controller from one of the application")
			}
		})
	}
	secure := config.Check{Edge: edge("external -> ingress/shop/web (safe.example/)"), HTTP: &config.HTTPCheck{Method: "HEAD"}}
	goals, nothing := p.routeGoals(secure, vantage{})
	if nothing != nil || goals[0].target.HTTP.URL != "https://safe.example/" || goals[0].control.HTTP.Method != http.MethodHead {
		t.Errorf("a declared request for a TLS route: %+v, %+v; want https, and the control by the same method", goals, nothing)
	}
	controller.External = true
	if _, nothing := p.routeGoals(config.Check{Edge: edge("external -> ingress/shop/web (shop.example/)")}, vantage{}); nothing == nil || nothing.outcome != reach.Error {
		t.Errorf("an Ingress without an address in its status has one: %+v", nothing)
	}
	p.topo.Routes[0].Addresses = []string{"lb.example"}
	goals, nothing = p.routeGoals(config.Check{Edge: edge("external -> ingress/shop/web (shop.example/)")}, vantage{})
	if nothing != nil || goals[0].target.HTTP.Resolve["shop.example:80"] != "lb.example:80" {
		t.Errorf("got %+v, %+v", goals, nothing)
	}
}

// A declared request need not be written as its route is: to a wildcard host, or to a path
// that a pattern matches, as the note on patterns advises.
func TestRouteOfARequest(t *testing.T) {
	p, _ := routed(t)
	p.topo.Routes = append(p.topo.Routes,
		topology.Route{Owner: "ingress/shop/web", Host: "*.shop.example", Path: "/", PathType: "Prefix"},
		topology.Route{Owner: "ingress/shop/web", Host: "shop.example", Path: "/cart", PathType: "Prefix"},
	)
	for request, want := range map[string]string{
		"ingress/shop/web (shop.example/)":           "shop.example/",
		"ingress/shop/web (shop.example/cart/1)":     "shop.example/cart",
		"ingress/shop/web (shop.example/cartoon)":    "shop.example/",
		"ingress/shop/web (a.shop.example/x)":        "*.shop.example/",
		"ingress/shop/web (bank.example/)":           "",
		"ingress/shop/pattern (p.example/a/x)":       "p.example/a/(.*)",
		"ingress/shop/pattern (p.example/elsewhere)": "",
	} {
		e, got := edge("external -> "+request), ""
		if r := p.route(e.To, e.Host, e.Path); r != nil {
			got = r.Host + r.Path
		}
		if got != want {
			t.Errorf("%s: got %q; want %q", request, got, want)
		}
	}
}

// A record must point to where the edge's own route is published.
func TestIngressAddresses(t *testing.T) {
	p, controller := routed(t)
	other := &topology.Controller{Workload: "deployment/other/proxy", Services: []*topology.Service{{LoadBalancer: []string{"203.0.113.9"}}}}
	p.topo.Routes = append(p.topo.Routes, topology.Route{Owner: "ingress/shop/other", Host: "other.example", Path: "/", Controller: other})
	p.nodes = nodeSet{nodes: []corev1.Node{nodeWith("n1", corev1.ConditionTrue)}}
	check := config.Check{Edge: edge("external -> ingress/shop/web (shop.example/)"), DNS: &config.DNSCheck{Name: "shop.example", Address: "ingress"}}
	ask := func(answer probe.Result) finding {
		t.Helper()
		g, nothing := p.dnsGoal(check, vantage{})
		if nothing != nil {
			return *nothing
		}
		return g.judge(answer, beside{})
	}
	to := func(addresses ...string) probe.Result {
		return probe.Result{Code: probe.Answered, Addresses: addresses}
	}
	checkFinding(t, ask(to("198.51.100.1")), reach.Reachable, "resolves to 198.51.100.1")
	checkFinding(t, ask(to("203.0.113.9")), reach.Unreachable, "not to 198.51.100.1")
	controller.Services[0].LoadBalancer = []string{"lb.example"}
	if g, _ := p.dnsGoal(check, vantage{}); len(g.target.Compare) != 1 || g.target.Compare[0] != "lb.example" {
		t.Errorf("the load balancer's name is not resolved: %+v", g.target)
	}
	resolved := to("192.0.2.1")
	resolved.Compared = []string{"192.0.2.9", "192.0.2.1"}
	checkFinding(t, ask(resolved), reach.Reachable, "resolves to 192.0.2.1")
	resolved.Compared, resolved.Detail = nil, "lb.example: no such host"
	checkFinding(t, ask(resolved), reach.Error, "lb.example: no such host")
	controller.Services = nil
	checkFinding(t, ask(to("10.0.0.1")), reach.Reachable, "") // the node's
	controller.External = true
	checkFinding(t, ask(to("10.0.0.1")), reach.Error, "status has none yet")
	p.topo.Routes[0].Addresses = []string{"198.51.100.7"}
	checkFinding(t, ask(to("198.51.100.7")), reach.Reachable, "")
}

// A Service that has no address outside is not dialled at its cluster address from there.
func TestServicesFromOutside(t *testing.T) {
	p, _ := routed(t)
	web := p.topo.Services[0]
	web.Type = "ClusterIP"
	to := reach.Endpoint{Kind: "service", Namespace: "shop", Name: "web", Port: 80, Protocol: "TCP"}
	find := func(want string) {
		t.Helper()
		places, nothing := p.places(to, vantage{})
		switch {
		case nothing != nil && !strings.Contains(string(nothing.outcome)+": "+nothing.reason, want),
			nothing == nil && places[0].address != want:
			t.Errorf("got %v, %+v; want %s", places, nothing, want)
		}
	}
	find("unreachable: Service shop/web is of type ClusterIP and has no address outside")
	web.Ports[0].NodePort = 30000
	find("error: Service shop/web is published on a port of the nodes, and this machine has no route")
	p.nodes = nodeSet{nodes: []corev1.Node{nodeWith("n1", corev1.ConditionTrue)}}
	p.routable["10.0.0.1"] = true
	find("10.0.0.1:30000")
	web.ExternalIPs = []string{"203.0.113.1"}
	find("203.0.113.1:80")
	web.LoadBalancer = []string{"lb.example"}
	find("lb.example:80")
}

// Where a Service has endpoints on several nodes, one on each is tried itself.
func TestEachNode(t *testing.T) {
	p := testPlanner(t)
	to := reach.Endpoint{Kind: "service", Namespace: "shop", Name: "web", Port: 80, Protocol: "TCP"}
	web := p.topo.Services[0]
	endpoint := func(i int, ready bool) topology.Endpoint {
		return topology.Endpoint{Pod: p.topo.Pods[i], Address: p.topo.Pods[i].IPs[0], Port: 8080, Ready: ready}
	}
	tried := func(v vantage) string {
		var out []string
		for _, g := range p.eachNode(to, v, judgeTCP) {
			out = append(out, g.target.Address)
		}
		return strings.Join(out, " ")
	}
	inside := vantage{like: p.topo.Pods[0], node: "n1"}
	for want, endpoints := range map[string][]topology.Endpoint{
		"10.0.0.1:8080 10.0.0.2:8080": {endpoint(2, true), endpoint(1, true), endpoint(0, true)},
		"":                            {endpoint(2, true), endpoint(1, true), endpoint(0, false)},
	} {
		web.Endpoints = map[topology.ServicePort][]topology.Endpoint{web.Ports[0]: endpoints}
		if got := tried(inside); got != want {
			t.Errorf("got %q; want %q", got, want)
		}
		if got := tried(vantage{}); got != "" {
			t.Errorf("from outside: %q", got)
		}
	}
}

// A route for every host and path leaves nothing to ask the controller for that it does not know.
func TestCatchAllHasNoControl(t *testing.T) {
	p, controller := routed(t)
	p.topo.Routes = append(p.topo.Routes, topology.Route{Owner: "ingress/shop/all", Path: "/", PathType: "Prefix", Controller: controller})
	goals, nothing := p.routeGoals(config.Check{Edge: edge("external -> ingress/shop/web (shop.example/)")}, vantage{})
	if nothing != nil || goals[0].control != nil {
		t.Errorf("got %+v, %+v", goals, nothing)
	}
}

// New connections to the backends belong to a published edge.
func TestBackendsAreTried(t *testing.T) {
	p, _ := routed(t)
	e := reach.Expectation{Edge: edge("external -> ingress/shop/web (shop.example/)")}
	p.add(0, e)
	var tcp []string
	for _, a := range p.out.attempts {
		if a.goal.target.Protocol == probe.TCP {
			tcp = append(tcp, a.goal.target.Address)
			checkFinding(t, a.goal.judge(probe.Result{Code: probe.TimedOut, Phase: probe.Connecting}, beside{}), reach.Unreachable, "new connections of the ingress controller")
		}
	}
	if len(p.out.attempts) != 2 || len(tcp) != 1 || tcp[0] != "10.96.0.1:80" {
		t.Errorf("attempts: %+v", p.out.attempts)
	}
}

func edge(text string) (e reach.Edge) {
	text, where, _ := strings.Cut(text, " (")
	e.From, e.To, _ = strings.Cut(text, " -> ")
	host, path, _ := strings.Cut(strings.TrimSuffix(where, ")"), "/")
	e.Host, e.Path = host, "/"+path
	return e
}
