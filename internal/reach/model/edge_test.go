package model_test

import (
	"context"
	"net/netip"
	"testing"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// edgeCase is one edge on the shop, after something was done to it.
type edgeCase struct {
	name     string
	do       func(c *topology.Cluster)
	policies string
	edge     reach.Edge
	outcome  reach.Outcome
	reason   string
}

var (
	wayIn  = reach.Edge{From: "external", To: "ingress/shop/web", Host: "shop.example", Path: "/"}
	toWeb  = reach.Edge{From: "deployment/ingress/traefik", To: "service/shop/web:80/TCP"}
	behind = reach.Edge{From: "ingress/shop/web", To: "service/shop/web:80/TCP"}
)

func TestEdges(t *testing.T) {
	nothing := func(*topology.Cluster) {}
	for _, c := range []edgeCase{
		{"service", nothing, "", toWeb, reach.Reachable, "no policy applies"},
		{
			"no such port", nothing, "",
			reach.Edge{From: toWeb.From, To: "service/shop/web:81/TCP"},
			reach.Unreachable,
			"Service shop/web has no port 81/TCP; it has 80/TCP",
		},
		{
			"protocol counts", nothing, "",
			reach.Edge{From: toWeb.From, To: "service/shop/web:80/UDP"},
			reach.Unreachable,
			"Service shop/web has no port 80/UDP; it has 80/TCP",
		},
		{"no such service", nothing, "", reach.Edge{From: toWeb.From, To: "service/shop/gone:80/TCP"}, reach.Error, "there is no Service shop/gone in the cluster"},
		{"no such source", nothing, "", reach.Edge{From: "deployment/shop/gone", To: toWeb.To}, reach.Error, "there is no pod of deployment/shop/gone to send from"},
		{
			"not an endpoint", nothing, "",
			reach.Edge{From: "nowhere", To: toWeb.To},
			reach.Error,
			`reading endpoint "nowhere": unknown kind "nowhere": use external, ip, ingress, httproute, service, pod, deployment, statefulset, daemonset, replicaset, replicationcontroller, job, cronjob, or kind.group of a custom workload`,
		},
		{
			"a service is no source", nothing, "",
			reach.Edge{From: "service/shop/web:80", To: toWeb.To},
			reach.Error,
			"service/shop/web:80/TCP is no source: use external, an ingress, a workload or a pod",
		},
		{
			"no endpoints", func(c *topology.Cluster) { c.Services[1].Endpoints = nil; c.Services[1].Selector = labels("app=gone") }, "", toWeb, reach.Unreachable,
			"no pod in namespace shop has the labels that Service shop/web selects (app=gone)",
		},
		{"target port by a name that no pod has", func(c *topology.Cluster) {
			c.Services[1].Endpoints = nil
			c.Services[1].Ports[0] = topology.ServicePort{Number: 80, Protocol: topology.TCP, TargetName: "web"}
		}, "", toWeb, reach.Unreachable, `port 80/TCP of Service shop/web goes to the port named "web", which pod shop/web-1 does not declare; it declares 9898/TCP "http"`},
		{
			"no selector", func(c *topology.Cluster) { c.Services[1].Endpoints = nil; c.Services[1].Selector = nil }, "", toWeb, reach.Unreachable,
			"Service shop/web has no selector, and no endpoints were given to port 80/TCP",
		},
		{
			"none ready", func(c *topology.Cluster) { notReadyWeb(c, 0); notReadyWeb(c, 1) }, "", toWeb, reach.Unreachable,
			"Service shop/web has no ready endpoint for port 80/TCP: pod shop/web-1 is not ready (image missing)",
		},
		{"one not ready takes no requests", func(c *topology.Cluster) { notReadyWeb(c, 0) }, "", toWeb, reach.Reachable, "no policy applies"},
		{"ExternalName", func(c *topology.Cluster) {
			c.Services[1].Type, c.Services[1].ExternalName = "ExternalName", "example.com"
		}, "", toWeb, reach.Error, "Service shop/web is of type ExternalName: what is behind example.com is not modelled"},
		{
			"one of two endpoints cut", func(c *topology.Cluster) { c.Pods[2].Labels["track"] = "canary" }, `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: canary, namespace: shop}
spec: {podSelector: {matchLabels: {track: canary}}}`, toWeb, reach.Unreachable,
			"1 of 2 endpoints of Service shop/web cannot be reached: no rule of NetworkPolicy shop/canary allows ingress to pod shop/web-2 on 9898/TCP from pod ingress/traefik-1",
		},
		{
			"one of two sources cut", func(c *topology.Cluster) {
				second := pod("ingress", "traefik-2", "10.0.0.2", labels("app=other"))
				second.Workload = "deployment/ingress/traefik"
				c.Pods = append(c.Pods, second)
			}, `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {}, podSelector: {matchLabels: {app: traefik}}}]}]}`, toWeb, reach.Unreachable,
			"not every one of the 2 source pods gets through: no rule of NetworkPolicy shop/web allows ingress to pod shop/web-1 on 9898/TCP from pod ingress/traefik-2",
		},
		{"a workload, past its service", nothing, "", reach.Edge{From: "pod/ingress/traefik-1", To: "deployment/shop/web:9898"}, reach.Reachable, "no policy applies"},
		{
			"a workload without a port", nothing, "",
			reach.Edge{From: "pod/ingress/traefik-1", To: "deployment/shop/web"},
			reach.Error,
			"deployment/shop/web needs a port: write deployment/shop/web:PORT/PROTOCOL",
		},
		{"no such workload", nothing, "", reach.Edge{From: "pod/ingress/traefik-1", To: "deployment/shop/gone:80"}, reach.Error, "there is no deployment/shop/gone in the cluster"},
		{
			"a workload without pods", nothing, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: idle, namespace: shop}",
			reach.Edge{From: "pod/ingress/traefik-1", To: "deployment/shop/idle:80"},
			reach.Unreachable, "deployment/shop/idle has no pods",
		},
		{
			"a pod that is not ready", func(c *topology.Cluster) { notReadyWeb(c, 0) }, "",
			reach.Edge{From: "pod/ingress/traefik-1", To: "pod/shop/web-1:9898"},
			reach.Unreachable,
			"pod shop/web-1 is not ready (image missing)",
		},
		{
			"an address outside", nothing, `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: out, namespace: shop}
spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 198.51.100.0/24}}]}]}`,
			reach.Edge{From: "deployment/shop/web", To: "ip/198.18.0.1:443"},
			reach.Unreachable,
			"no rule of NetworkPolicy shop/out allows egress to address 198.18.0.1 on 443/TCP from pod shop/web-1",
		},
		{
			"the address of a pod", nothing, denyShop,
			reach.Edge{From: "pod/ingress/traefik-1", To: "ip/10.0.1.2:9898"},
			reach.Unreachable,
			"no rule of NetworkPolicy shop/deny allows ingress to pod shop/web-2 on 9898/TCP from pod ingress/traefik-1",
		},
		{
			"the address of a service", func(c *topology.Cluster) { c.Services[1].ClusterIPs = []netip.Addr{netip.MustParseAddr("10.96.0.7")} }, "",
			reach.Edge{From: "pod/ingress/traefik-1", To: "ip/10.96.0.7:443"},
			reach.Unreachable, "Service shop/web has no port 443/TCP; it has 80/TCP",
		},
		{"from outside to an address", nothing, "", reach.Edge{From: "external", To: "ip/198.18.0.1:443"}, reach.Error, "ip/198.18.0.1:443/TCP from outside does not touch the cluster"},
		{
			"from outside to a ClusterIP service", nothing, "",
			reach.Edge{From: "external", To: toWeb.To},
			reach.Unreachable,
			"Service shop/web is of type ClusterIP, which is not published outside the cluster",
		},
		{"from outside to a NodePort service", nothing, "", reach.Edge{From: "external", To: "service/ingress/traefik:80"}, reach.Reachable, "no policy applies"},
		{
			"from outside to a load balancer that does not admit it", func(c *topology.Cluster) {
				c.Services[0].Type, c.Services[0].SourceRanges = "LoadBalancer", []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
			}, "",
			reach.Edge{From: "external", To: "service/ingress/traefik:80"},
			reach.Unreachable,
			"the load balancer of Service ingress/traefik admits 10.0.0.0/8 alone (loadBalancerSourceRanges), not outside (taken as 203.0.113.1)",
		},
		{
			"from outside to an ingress behind such a load balancer", func(c *topology.Cluster) {
				c.Services[0].Type, c.Services[0].SourceRanges = "LoadBalancer", []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
			}, "",
			wayIn,
			reach.Unreachable,
			"the load balancer of Service ingress/traefik admits 10.0.0.0/8 alone (loadBalancerSourceRanges), not outside (taken as 203.0.113.1)",
		},
		{
			"from inside past a load balancer", func(c *topology.Cluster) {
				c.Services[0].SourceRanges = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
			}, "",
			reach.Edge{From: "pod/shop/web-1", To: "service/ingress/traefik:80"},
			reach.Reachable, "no policy applies",
		},
		{
			"from outside to a pod", nothing, "",
			reach.Edge{From: "external", To: "pod/shop/web-1:80"},
			reach.Error,
			"whether addresses of pods are routed from outside the cluster is not known: name an Ingress or Service",
		},
		{"to outside", nothing, "", reach.Edge{From: toWeb.From, To: "external"}, reach.Error, "external is no target: name an address, as ip/ADDRESS:PORT/PROTOCOL"},
		{
			"an object that could not be read", func(c *topology.Cluster) {
				c.Problems = []string{"test.yaml: Pod shop/odd: it does not fit its API: x"}
			}, "apiVersion: v1\nkind: Pod\nmetadata: {name: odd, namespace: shop}", toWeb, reach.Error,
			"an object that could not be read may take part: test.yaml: Pod shop/odd: it does not fit its API: x",
		},
		{"an object elsewhere that could not be read", func(c *topology.Cluster) {
			c.Problems = []string{"test.yaml: Pod other/odd: it does not fit its API: x"}
		}, "apiVersion: v1\nkind: Pod\nmetadata: {name: odd, namespace: other}", toWeb, reach.Reachable, "no policy applies"},
	} {
		t.Run(c.name, c.check)
	}
}

func (c edgeCase) check(t *testing.T) {
	cluster := shop()
	c.do(cluster)
	got := newModel(t, cluster, c.policies).Evaluate(t.Context(), []reach.Edge{c.edge}).Edges[0]
	if got.Edge != c.edge || got.Outcome != c.outcome || got.Reason != c.reason {
		t.Errorf("%s: %s: %s\nwant %s: %s", got.Edge, got.Outcome, got.Reason, c.outcome, c.reason)
	}
}

const denyShop = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}}`

func notReadyWeb(c *topology.Cluster, i int) {
	web := c.Services[1]
	p := c.Pods[1+i]
	p.Ready, p.NotReadyReason = false, "image missing"
	web.Endpoints[web.Ports[0]][i].Ready = false
}

// A context that has ended evaluates nothing, and says so.
func TestEvaluateCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got := newModel(t, shop(), "").Evaluate(ctx, []reach.Edge{toWeb, wayIn})
	if len(got.Edges) != 2 {
		t.Fatalf("%d results, want 2", len(got.Edges))
	}
	for _, r := range got.Edges {
		if r.Outcome != reach.Error || r.Reason != "not evaluated: context canceled" {
			t.Errorf("%s: %s (%s)", r.Edge, r.Outcome, r.Reason)
		}
	}
}
