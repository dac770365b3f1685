package model_test

import (
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// shop is an ingress controller in one namespace and a web shop in another.
func shop() *topology.Cluster {
	controller := pod("ingress", "traefik-1", "10.0.0.1", labels("app=traefik"), tcp(8000, "web"))
	controller.Workload = "deployment/ingress/traefik"
	web1 := pod("shop", "web-1", "10.0.1.1", labels("app=web"), tcp(9898, "http"))
	web2 := pod("shop", "web-2", "10.0.1.2", labels("app=web"), tcp(9898, "http"))
	web1.Workload, web2.Workload = "deployment/shop/web", "deployment/shop/web"
	front := service("ingress", "traefik", "NodePort", 80, 8000, controller)
	web := service("shop", "web", "ClusterIP", 80, 9898, web1, web2)
	return &topology.Cluster{
		Namespaces: map[string]*topology.Namespace{"ingress": namespace("ingress"), "shop": namespace("shop")},
		Pods:       []*topology.Pod{controller, web1, web2},
		Services:   []*topology.Service{front, web},
		Routes: []topology.Route{{
			Owner: "ingress/shop/web", Host: "shop.example", Path: "/", PathType: "Prefix",
			Backends: []topology.Backend{{Namespace: "shop", Service: "web", Port: 80, Weight: 1}},
			Controller: &topology.Controller{
				Class: "traefik", Workload: "deployment/ingress/traefik",
				Pods: []*topology.Pod{controller}, Services: []*topology.Service{front},
			},
		}},
	}
}

const incidentPolicy = `
apiVersion: crd.projectcalico.org/v1
kind: GlobalNetworkPolicy
metadata: {name: default-deny-cross-namespace}
spec:
  order: 1000
  namespaceSelector: kubernetes.io/metadata.name not in {"kube-system"}
  types: [Ingress]
  ingress: []
`

const incidentRepair = `
---
apiVersion: crd.projectcalico.org/v1
kind: GlobalNetworkPolicy
metadata: {name: allow-ingress-controller}
spec:
  order: 900
  types: [Ingress]
  selector: app in {"web", "traefik"}
  ingress:
  - {action: Allow, source: {selector: app == "traefik"}, destination: {selector: app == "web"}}
  - {action: Allow, protocol: TCP, destination: {selector: app == "traefik", ports: [8000]}}
`

// The incident that stagegate exists for: a default-deny policy that came with a CNI
// plugin cuts the ingress controller off from every other namespace.
func TestIncident(t *testing.T) {
	edges := []reach.Edge{
		{From: "external", To: "ingress/shop/web", Host: "shop.example", Path: "/"},
		{From: "ingress/shop/web", To: "service/shop/web:80/TCP"},
	}
	const cut = "no rule of GlobalNetworkPolicy default-deny-cross-namespace matches, and the end of tier default denies ingress to pod "
	for _, c := range []struct {
		name, policies string
		want           reach.Outcome
		reasons        [2]string
	}{
		{"baseline", "", reach.Reachable, [2]string{"no policy applies", "no policy applies"}},
		{"applied", incidentPolicy, reach.Unreachable, [2]string{
			cut + "ingress/traefik-1 on 8000/TCP from outside (taken as 203.0.113.1)",
			cut + "shop/web-1 on 9898/TCP from pod ingress/traefik-1",
		}},
		{"repaired", incidentPolicy + incidentRepair, reach.Reachable, [2]string{
			"rule 2 of GlobalNetworkPolicy allow-ingress-controller allows ingress; rule 1 of GlobalNetworkPolicy allow-ingress-controller allows ingress",
			"rule 1 of GlobalNetworkPolicy allow-ingress-controller allows ingress",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := newModel(t, shop(), c.policies).Evaluate(t.Context(), edges)
			if got.Grade != reach.Modelled || len(got.Edges) != len(edges) {
				t.Fatalf("grade %q, %d edges", got.Grade, len(got.Edges))
			}
			for i, r := range got.Edges {
				if r.Outcome != c.want || r.Reason != c.reasons[i] {
					t.Errorf("%s: %s (%s)\nwant %s (%s)", r.Edge, r.Outcome, r.Reason, c.want, c.reasons[i])
				}
				if cause := strings.TrimSuffix(cut, " to pod "); r.Outcome == reach.Unreachable && r.Cause != cause {
					t.Errorf("%s: cause %q, want %q, which all lost edges share", r.Edge, r.Cause, cause)
				}
			}
		})
	}
}
