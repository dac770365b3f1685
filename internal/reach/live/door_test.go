package live

import (
	"net/netip"
	"strings"
	"testing"

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
	p.out = &plan{vantages: map[string]vantage{}, settled: map[int]finding{}, targets: map[string][]probe.Target{}}
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
	controller.External = true
	if _, nothing := p.routeGoals(config.Check{Edge: edge("external -> ingress/shop/web (shop.example/)")}, vantage{}); nothing == nil || nothing.outcome != reach.Error {
		t.Errorf("an Ingress that is not there has an address: %+v", nothing)
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
			checkFinding(t, a.goal.judge(probe.Result{Code: probe.TimedOut, Phase: probe.Connecting}, nil), reach.Unreachable, "new connections of the ingress controller")
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
