package topology_test

import (
	"slices"
	"testing"

	"github.com/stagegate/stagegate/internal/reach/topology"
)

const publishedObjects = `
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: alb}
spec: {controller: ingress.k8s.aws/alb}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {ingressClassName: alb, rules: [{host: shop.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
status: {loadBalancer: {ingress: [{hostname: web.elb.example}, {ip: 192.0.2.1}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: bank, namespace: shop}
spec: {ingressClassName: alb, rules: [{host: bank.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
status: {loadBalancer: {ingress: [{hostname: bank.elb.example}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: cloud}
spec: {controllerName: example.com/cloud}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: front, namespace: shop}
spec: {gatewayClassName: cloud, listeners: [{name: web, port: 80, protocol: HTTP}]}
status: {addresses: [{value: 203.0.113.5}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: api, namespace: shop}
spec: {parentRefs: [{name: front}], hostnames: [api.example], rules: [{backendRefs: [{name: web, port: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, externalIPs: [198.51.100.3], publishNotReadyAddresses: true, ports: [{port: 80}]}
`

// Each route has the addresses of its own object, not those of others of the class.
func TestPublishedAddresses(t *testing.T) {
	c := topology.Build(load(t, publishedObjects))
	want := map[string][]string{
		"ingress/shop/web":   {"web.elb.example", "192.0.2.1"},
		"ingress/shop/bank":  {"bank.elb.example"},
		"httproute/shop/api": {"203.0.113.5"},
	}
	if len(c.Routes) != len(want) {
		t.Fatalf("routes: %+v", c.Routes)
	}
	for _, r := range c.Routes {
		if !slices.Equal(r.Addresses, want[r.Owner]) {
			t.Errorf("%s: %v; want %v", r.Owner, r.Addresses, want[r.Owner])
		}
	}
	if s := c.Services[0]; !s.PublishNotReady || !slices.Equal(s.ExternalIPs, []string{"198.51.100.3"}) {
		t.Errorf("service: %+v", s)
	}
}
