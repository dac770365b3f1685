package parity_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/parity"
	"github.com/stagegate/stagegate/internal/snapshot"
	"github.com/stagegate/stagegate/internal/yamldoc"
)

func TestCompare(t *testing.T) {
	all := func(bound string) config.Parity {
		return config.Parity{Kubernetes: bound, IngressController: bound, CNI: bound}
	}
	tested := parity.Versions{Kubernetes: "v1.36.3", IngressControllers: []string{"traefik:v3.6.7"}, CNI: []string{"node:v3.28.5"}}
	for name, test := range map[string]struct {
		bounds config.Parity
		now    parity.Versions
		want   []string
	}{
		"the same, exactly": {all("exact"), tested, nil},
		"patches apart, minor": {all("minor"), parity.Versions{
			Kubernetes: "v1.36.9", IngressControllers: []string{"traefik:v3.6.1"}, CNI: []string{"node:3.28.0"},
		}, nil},
		"patches apart, exactly": {all("exact"), parity.Versions{
			Kubernetes: "v1.36.9", IngressControllers: tested.IngressControllers, CNI: tested.CNI,
		}, []string{"staging runs kubernetes v1.36.3, and this environment kubernetes v1.36.9: gate.parity.kubernetes is exact: bring them together, or widen the bound"}},
		"minor versions apart": {all("minor"), parity.Versions{
			Kubernetes: "v1.35.3", IngressControllers: []string{"traefik:v2.11.0"}, CNI: tested.CNI,
		}, []string{
			"staging runs kubernetes v1.36.3, and this environment kubernetes v1.35.3: gate.parity.kubernetes is minor: bring them together, or widen the bound",
			"staging runs traefik v3.6.7, and this environment traefik v2.11.0: gate.parity.ingressController is minor: bring them together, or widen the bound",
		}},
		"another plug-in, and no controller": {all("minor"), parity.Versions{
			Kubernetes: tested.Kubernetes, CNI: []string{"amazon-k8s-cni:v1.19.0", "node:v3.28.5"},
		}, []string{
			"staging runs traefik v3.6.7, and this environment none: gate.parity.ingressController is minor: bring them together, or widen the bound",
			"staging runs node v3.28.5, and this environment amazon-k8s-cni v1.19.0, node v3.28.5: gate.parity.cni is minor: bring them together, or widen the bound",
		}},
		"tags that are no versions": {all("minor"), parity.Versions{
			Kubernetes: tested.Kubernetes, IngressControllers: []string{"traefik:latest"}, CNI: tested.CNI,
		}, []string{"staging runs traefik v3.6.7, and this environment traefik latest: gate.parity.ingressController is minor: bring them together, or widen the bound"}},
		"no bounds": {config.Parity{}, parity.Versions{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(test.want, parity.Compare(test.bounds, "staging", tested, test.now)); d != "" {
				t.Errorf("differences (-want +got):\n%s", d)
			}
		})
	}
}

const cluster = `
{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: traefik}, spec: {controller: traefik.io/ingress-controller}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec:
  ingressClassName: traefik
  rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: traefik, namespace: ingress, labels: {app.kubernetes.io/name: traefik}}
spec:
  selector: {matchLabels: {app.kubernetes.io/name: traefik}}
  template:
    metadata: {labels: {app.kubernetes.io/name: traefik}}
    spec: {containers: [{name: traefik, image: "registry.example:5000/library/traefik:v3.6.7@sha256:0000", args: [--providers.kubernetesingress], ports: [{containerPort: 8000, name: web}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "web:v1"}]}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: calico-node, namespace: kube-system}
spec:
  selector: {matchLabels: {app: calico}}
  template: {metadata: {labels: {app: calico}}, spec: {hostNetwork: true, containers: [{name: node, image: "docker.io/calico/node:v3.28.5"}]}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: kube-proxy, namespace: kube-system}
spec:
  selector: {matchLabels: {app: proxy}}
  template: {metadata: {labels: {app: proxy}}, spec: {hostNetwork: true, containers: [{name: proxy, image: "kube-proxy:v1.36.3"}]}}
`

func TestRead(t *testing.T) {
	objects, err := yamldoc.Decode("cluster.yaml", []byte(cluster))
	if err != nil {
		t.Fatal(err)
	}
	s, err := snapshot.New(objects...)
	if err != nil {
		t.Fatal(err)
	}
	s.Derived = true
	want := parity.Versions{Kubernetes: "v1.36.3", IngressControllers: []string{"traefik:v3.6.7"}, CNI: []string{"node:v3.28.5"}}
	if d := cmp.Diff(want, parity.Read("v1.36.3", s)); d != "" {
		t.Errorf("versions (-want +got):\n%s", d)
	}
}
