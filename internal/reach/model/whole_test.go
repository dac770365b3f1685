package model_test

import (
	"testing"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/model"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

const shopManifests = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Namespace
metadata: {name: ingress}
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: traefik}
spec: {controller: traefik.io/ingress-controller}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: traefik, namespace: ingress}
spec:
  selector: {matchLabels: {app.kubernetes.io/name: traefik}}
  template:
    metadata: {labels: {app.kubernetes.io/name: traefik}}
    spec: {containers: [{name: traefik, image: "traefik:v3.6.7", ports: [{name: web, containerPort: 8000}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: traefik, namespace: ingress}
spec: {type: NodePort, selector: {app.kubernetes.io/name: traefik}, ports: [{name: web, port: 80, targetPort: web}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "podinfo:6", ports: [{name: http, containerPort: 9898}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec:
  ingressClassName: traefik
  rules: [{host: shop.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}]}}]
---`

// From manifests alone, before anything runs: the incident is seen, and so is its repair.
func TestFromManifests(t *testing.T) {
	for _, c := range []struct {
		name, policies string
		want           reach.Outcome
		reason         string
	}{
		{"before", "", reach.Reachable, "no policy applies"},
		{"incident", incidentPolicy, reach.Unreachable, "no rule of GlobalNetworkPolicy default-deny-cross-namespace matches, and the end of tier default denies ingress to pod ingress/traefik-0 on 8000/TCP from outside (taken as 203.0.113.1)"},
		{
			"by addresses that are not known yet", `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}`, reach.Error,
			"rule 1 of NetworkPolicy shop/web matches by something that is not known here (the address of a pod that does not run yet, or a domain name), and it decides ingress to pod shop/web-0 on 9898/TCP from pod ingress/traefik-0",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := objects(t, shopManifests+c.policies)
			s.Derived = true
			m, err := model.New(s, topology.Build(s))
			if err != nil {
				t.Fatal(err)
			}
			got := m.Evaluate(t.Context(), []reach.Edge{{From: "external", To: "ingress/shop/web", Host: "shop.example", Path: "/"}}).Edges[0]
			if got.Outcome != c.want || got.Reason != c.reason {
				t.Errorf("%s: %s\nwant %s: %s", got.Outcome, got.Reason, c.want, c.reason)
			}
		})
	}
}

// The matrix of all pods is in the order of edges, and as the edges say one by one.
func TestPodMatrix(t *testing.T) {
	c := shop()
	c.Pods[2].Ready, c.Pods[2].NotReadyReason = false, "image missing"
	pods, err := newModel(t, c, denyShop).Pods(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const cut = "no rule of NetworkPolicy shop/deny allows ingress"
	want := []reach.Result{
		{Edge: reach.Edge{From: "pod/ingress/traefik-1", To: "pod/shop/web-1:9898/TCP"}, Outcome: reach.Unreachable, Reason: cut},
		{Edge: reach.Edge{From: "pod/ingress/traefik-1", To: "pod/shop/web-2:9898/TCP"}, Outcome: reach.Unreachable, Reason: "the target is not ready (image missing)"},
		{Edge: reach.Edge{From: "pod/shop/web-1", To: "pod/ingress/traefik-1:8000/TCP"}, Outcome: reach.Reachable, Reason: "no policy applies"},
		{Edge: reach.Edge{From: "pod/shop/web-1", To: "pod/shop/web-2:9898/TCP"}, Outcome: reach.Unreachable, Reason: "the target is not ready (image missing)"},
		{Edge: reach.Edge{From: "pod/shop/web-2", To: "pod/ingress/traefik-1:8000/TCP"}, Outcome: reach.Reachable, Reason: "no policy applies"},
		{Edge: reach.Edge{From: "pod/shop/web-2", To: "pod/shop/web-1:9898/TCP"}, Outcome: reach.Unreachable, Reason: cut},
	}
	got := pods.Matrix()
	if got.Grade != reach.Modelled || pods.Len() != len(want) || len(got.Edges) != len(want) {
		t.Fatalf("grade %q, length %d, %d results", got.Grade, pods.Len(), len(got.Edges))
	}
	for i, r := range got.Edges {
		if r != want[i] {
			t.Errorf("%+v\nwant %+v", r, want[i])
		}
	}
}
