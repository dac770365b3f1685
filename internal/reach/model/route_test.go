package model_test

import (
	"testing"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

func TestRoutes(t *testing.T) {
	nothing := func(*topology.Cluster) {}
	route := func(change func(r *topology.Route)) func(*topology.Cluster) {
		return func(c *topology.Cluster) { change(&c.Routes[0]) }
	}
	whole := reach.Edge{From: "external", To: "ingress/shop/web"}
	request := func(host, path string) reach.Edge {
		return reach.Edge{From: "external", To: "ingress/shop/web", Host: host, Path: path}
	}
	for _, c := range []edgeCase{
		{"all of an Ingress", nothing, "", whole, reach.Reachable, "no policy applies"},
		{"a request below a path", nothing, "", request("shop.example", "/cart"), reach.Reachable, "no policy applies"},
		{"another host", nothing, "", request("other.example", "/"), reach.Error, `ingress/shop/web has no rule for host "other.example"`},
		{
			"another path", route(func(r *topology.Route) { r.Path = "/shop" }), "", request("shop.example", "/shopping"), reach.Error,
			`ingress/shop/web has no rule for path "/shopping" of host "shop.example"`,
		},
		{"a wildcard host", route(func(r *topology.Route) { r.Host = "*.example" }), "", request("shop.example", "/"), reach.Reachable, "no policy applies"},
		{"a wildcard is one label", route(func(r *topology.Route) { r.Host = "*.example" }), "", request("a.shop.example", "/"), reach.Error, `ingress/shop/web has no rule for host "a.shop.example"`},
		{"a regular expression", route(func(r *topology.Route) { r.Path, r.PathType = "/item/[0-9]+", "RegularExpression" }), "", request("shop.example", "/item/7"), reach.Reachable, "no policy applies"},
		{"the longest path counts", func(c *topology.Cluster) {
			longer := c.Routes[0]
			longer.Path, longer.Backends = "/api", []topology.Backend{{Namespace: "shop", Service: "api", Port: 80, Weight: 1}}
			c.Routes = append(c.Routes, longer)
		}, "", request("shop.example", "/api/v1"), reach.Unreachable, "ingress/shop/web sends requests to Service shop/api, which does not exist"},
		{"every route of the Ingress counts", func(c *topology.Cluster) {
			second := c.Routes[0]
			second.Host, second.Backends = "b.example", []topology.Backend{{Namespace: "shop", Service: "web", PortName: "grpc", Weight: 1}}
			c.Routes = append(c.Routes, second)
		}, "", whole, reach.Unreachable, `ingress/shop/web sends requests to the port named "grpc" of Service shop/web, which it does not have; it has 80/TCP`},
		{"a backend by port name", route(func(r *topology.Route) { r.Backends[0].Port, r.Backends[0].PortName = 0, "http" }), "", wayIn, reach.Reachable, "no policy applies"},
		{"no such Ingress", nothing, "", reach.Edge{From: "external", To: "ingress/shop/gone"}, reach.Error, "there is no ingress/shop/gone with a rule in the cluster"},
		{
			"no controller", route(func(r *topology.Route) { r.Controller, r.Problem = nil, "there is no IngressClass nginx" }), "", wayIn, reach.Unreachable,
			"no ingress controller serves ingress/shop/web: there is no IngressClass nginx",
		},
		{
			"no controller to start from", route(func(r *topology.Route) { r.Controller, r.Problem = nil, "there is no IngressClass nginx" }), "", behind, reach.Unreachable,
			"no ingress controller serves ingress/shop/web: there is no IngressClass nginx",
		},
		{
			"controller not ready", func(c *topology.Cluster) { c.Pods[0].Ready, c.Pods[0].NotReadyReason = false, "CrashLoopBackOff" }, "", behind, reach.Unreachable,
			"no pod of ingress controller deployment/ingress/traefik is ready: pod ingress/traefik-1 (CrashLoopBackOff)",
		},
		{
			"controller without pods", route(func(r *topology.Route) { r.Controller.Pods = nil }), "", wayIn, reach.Unreachable,
			"ingress controller deployment/ingress/traefik of class traefik has no pods",
		},
		{
			"controller that nothing leads to", route(func(r *topology.Route) { r.Controller.Services[0].Type = "ClusterIP" }), "", wayIn, reach.Unreachable,
			"nothing leads to ingress controller deployment/ingress/traefik: it has no Service of type LoadBalancer or NodePort with a TCP port, and no host port",
		},
		{"controller with a host port", func(c *topology.Cluster) {
			c.Routes[0].Controller.Services = nil
			c.Pods[0].Ports[0].HostPort = 80
		}, "", wayIn, reach.Reachable, "no policy applies"},
		{"controller on the host network", func(c *topology.Cluster) {
			c.Routes[0].Controller.Services = nil
			c.Pods[0].HostNetwork = true
		}, "", wayIn, reach.Reachable, "traffic between a pod and its own node is never blocked"},
		{
			"a host-network controller is not selected by labels", func(c *topology.Cluster) { c.Pods[0].HostNetwork, c.Pods[0].Node = true, "node-9" }, `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}`, behind, reach.Unreachable,
			"no rule of NetworkPolicy shop/web allows ingress to pod shop/web-1 on 9898/TCP from pod ingress/traefik-1",
		},
		{
			"external address against an ipBlock", nothing, `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: office, namespace: ingress}
spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 198.51.100.0/24}}]}]}`, wayIn, reach.Unreachable,
			"no rule of NetworkPolicy ingress/office allows ingress to pod ingress/traefik-1 on 8000/TCP from outside (taken as 203.0.113.1)",
		},
		{
			"from a pod of the cluster", nothing, denyShop,
			reach.Edge{From: "pod/shop/web-1", To: "ingress/shop/web"},
			reach.Unreachable,
			"no rule of NetworkPolicy shop/deny allows ingress to pod shop/web-1 on 9898/TCP from pod ingress/traefik-1",
		},
		{
			"TLS goes to its own port", func(c *topology.Cluster) {
				c.Routes[0].TLS = true
				front := c.Services[0]
				secure := topology.ServicePort{Name: "websecure", Number: 443, Protocol: topology.TCP, Target: 8443}
				front.Ports = append(front.Ports, secure)
				front.Endpoints[secure] = []topology.Endpoint{{Pod: c.Pods[0], Address: c.Pods[0].IPs[0], Port: 8443, Ready: true}}
			}, `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: plain, namespace: ingress}
spec: {podSelector: {}, ingress: [{ports: [{port: 8000}]}]}`, wayIn, reach.Unreachable,
			"no rule of NetworkPolicy ingress/plain allows ingress to pod ingress/traefik-1 on 8443/TCP from outside (taken as 203.0.113.1)",
		},
		{
			"missing grant", route(func(r *topology.Route) { r.Backends[0].Problem = "no ReferenceGrant in namespace shop" }), "", wayIn, reach.Unreachable,
			"ingress/shop/web may not use Service shop/web: no ReferenceGrant in namespace shop",
		},
		{"no weight, no traffic", route(func(r *topology.Route) { r.Backends[0].Weight = 0 }), "", wayIn, reach.Unreachable, "ingress/shop/web has no backend that takes traffic"},
		{"a redirect needs no backend", route(func(r *topology.Route) { r.Backends, r.Redirect = nil, true }), "", wayIn, reach.Reachable, "no policy applies"},
		{
			"a load balancer outside the cluster", route(func(r *topology.Route) { r.Controller = &topology.Controller{Class: "alb", External: true} }), denyShop, wayIn, reach.Unreachable,
			"no rule of NetworkPolicy shop/deny allows ingress to pod shop/web-1 on 9898/TCP from outside (taken as 203.0.113.1)",
		},
	} {
		t.Run(c.name, c.check)
	}
}
