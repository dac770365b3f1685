package topology_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/reach/topology"
	"github.com/stagegate/stagegate/internal/snapshot"
)

const runningWeb = `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web, namespace: shop}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: i, ports: [{name: http, containerPort: 8080}]}]}}
---
apiVersion: v1
kind: Pod
metadata:
  name: web-0
  namespace: shop
  labels: {app: web, injected: "true"}
  ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: web, uid: u, controller: true}]
spec: {containers: [{name: c, image: i, ports: [{name: http, containerPort: 8080}]}, {name: proxy, image: p}]}
status: {phase: Running, podIP: 10.0.0.1, conditions: [{type: Ready, status: "False", message: "probe failed"}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 8080, protocol: TCP}]
endpoints: [{addresses: [10.0.0.1], conditions: {ready: false}, targetRef: {kind: Pod, name: web-0, namespace: shop}}]
`

// TestBuildOverlay lays changes over a running cluster: pods that the change leaves as
// they are stay, with their readiness; those of a changed template are replaced.
func TestBuildOverlay(t *testing.T) {
	set := func(old, new string) string {
		document, _, _ := strings.Cut(runningWeb, "---")
		return strings.Replace(document, old, new, 1)
	}
	kept := []string{"web-0 NOT READY: probe failed", "shop/web:80 -> web-0 10.0.0.1:8080 ready=false"}
	tests := map[string]struct {
		changed string
		want    []string
	}{
		"unchanged":     {set("", ""), kept},
		"other object":  {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n", kept},
		"image":         {set("image: i", "image: j"), []string{"web-0 derived", "shop/web:80 -> web-0 invalid IP:8080 ready=true"}},
		"labels":        {set("labels: {app: web}", "labels: {app: other}"), []string{"web-0 derived"}},
		"port":          {set("containerPort: 8080", "containerPort: 9090"), []string{"web-0 derived", "shop/web:80 -> web-0 invalid IP:9090 ready=true"}},
		"account":       {set("spec: {containers", "spec: {serviceAccountName: sa, containers"), []string{"web-0 derived", "shop/web:80 -> web-0 invalid IP:8080 ready=true"}},
		"scaled to two": {set("replicas: 1", "replicas: 2"), kept},
		"scaled away":   {set("replicas: 1", "replicas: 0"), nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := topology.Build(load(t, runningWeb).Overlay(load(t, tt.changed).All()...))
			if diff := cmp.Diff(tt.want, summary(c)); diff != "" || len(c.Problems) > 0 {
				t.Errorf("%v (-want +got):\n%s", c.Problems, diff)
			}
		})
	}
}

func summary(c *topology.Cluster) []string {
	var out []string
	for _, p := range c.Pods {
		s := p.Name
		if p.Derived {
			s += " derived"
		}
		if !p.Ready {
			s += " NOT READY: " + p.NotReadyReason
		}
		out = append(out, s)
	}
	for _, s := range c.Services {
		for port, endpoints := range s.Endpoints {
			for _, e := range endpoints {
				out = append(out, fmt.Sprintf("%s/%s:%d -> %s %v:%d ready=%v", s.Namespace, s.Name, port.Number, e.Pod.Name, e.Address, e.Port, e.Ready))
			}
		}
	}
	return out
}

// TestControllerByStatus: an address in status is stronger evidence than names.
func TestControllerByStatus(t *testing.T) {
	const cluster = `apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: k8s.io/ingress-nginx}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {ingressClassName: nginx, defaultBackend: {service: {name: web, port: {number: 80}}}}
%s
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: blue, namespace: ingress}
spec:
  selector: {matchLabels: {app: blue}}
  template: {metadata: {labels: {app: blue}}, spec: {containers: [{name: c, image: ingress-nginx/controller:v1}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: green, namespace: ingress}
spec:
  selector: {matchLabels: {app: green}}
  template: {metadata: {labels: {app: green}}, spec: {containers: [{name: c, image: ingress-nginx/controller:v1}]}}
---
apiVersion: v1
kind: Service
metadata: {name: green, namespace: ingress}
spec: {type: LoadBalancer, selector: {app: green}, ports: [{port: 80}]}
status: {loadBalancer: {ingress: [{hostname: lb.example.com}]}}
`
	tests := map[string]struct{ status, workload, problem string }{
		"address":    {"status: {loadBalancer: {ingress: [{hostname: lb.example.com}]}}", "deployment/ingress/green", ""},
		"no address": {"", "", "several workloads may be the ingress controller for IngressClass nginx, by labels, images and class arguments: deployment/ingress/blue, deployment/ingress/green; set the label stagegate.dev/ingress-class: nginx"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := load(t, fmt.Sprintf(cluster, tt.status))
			s.Derived = true
			r := topology.Build(s).Routes[0]
			if !strings.HasPrefix(r.Problem, tt.problem) || (tt.problem == "") != (r.Problem == "") {
				t.Errorf("problem %q, want %q", r.Problem, tt.problem)
			}
			if tt.workload != "" && (r.Controller == nil || r.Controller.Workload != tt.workload) {
				t.Errorf("controller %+v, want %s", r.Controller, tt.workload)
			}
		})
	}
}

// TestClasslessIngress: ingress-nginx ignores an Ingress without a class unless it is told
// otherwise; Traefik serves it.
func TestClasslessIngress(t *testing.T) {
	const cluster = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: controller, namespace: ingress}
spec: {containers: [{name: c, image: "%s", args: ["%s"]}]}
`
	tests := map[string]struct {
		image, arg string
		served     bool
	}{
		"nginx":            {"registry.k8s.io/ingress-nginx/controller:v1", "--v=2", false},
		"nginx, classless": {"registry.k8s.io/ingress-nginx/controller:v1", "--watch-ingress-without-class=true", true},
		"traefik":          {"docker.io/library/traefik:v3.6.7", "--providers.kubernetesingress", true},
		"traefik, class":   {"docker.io/library/traefik:v3.6.7", "--providers.kubernetesIngress.ingressClass=own", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := load(t, fmt.Sprintf(cluster, tt.image, tt.arg))
			s.Derived = true
			r := topology.Build(s).Routes[0]
			if served := r.Controller != nil; served != tt.served || served != (r.Problem == "") {
				t.Errorf("served %v, problem %q", served, r.Problem)
			}
		})
	}
}

// BenchmarkBuild builds 5,000 objects: as workloads and Services, and with their pods.
func BenchmarkBuild(b *testing.B) {
	var objects strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&objects, benchmarkWorkload, i, i%50)
	}
	for i := range 1000 {
		fmt.Fprintf(&objects, benchmarkIngress, i, i%50)
	}
	objects.WriteString("---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: nginx, annotations: {ingressclass.kubernetes.io/is-default-class: \"true\"}}\nspec: {controller: k8s.io/ingress-nginx}\n")
	s := load(b, objects.String())
	for name, s := range map[string]*snapshot.Snapshot{"derived": s.Overlay(), "observed": s} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c := topology.Build(s)
				if len(c.Services) != 2000 || len(c.Routes) != 1000 || s.Derived && len(c.Pods) != 4000 {
					b.Fatal("incomplete")
				}
			}
		})
	}
}

const benchmarkWorkload = `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web-%[1]d, namespace: ns-%[2]d, labels: {app: web-%[1]d}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web-%[1]d}}
  template:
    metadata: {labels: {app: web-%[1]d, tier: web}}
    spec:
      containers:
      - {name: c, image: i, args: [--a, --b], env: [{name: A, value: b}], ports: [{name: http, containerPort: 8080}, {name: metrics, containerPort: 9090}]}
---
apiVersion: v1
kind: Service
metadata: {name: web-%[1]d, namespace: ns-%[2]d}
spec: {clusterIP: 10.0.0.1, selector: {app: web-%[1]d, tier: web}, ports: [{name: http, port: 80, targetPort: http}]}
`

const benchmarkIngress = `---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web-%[1]d, namespace: ns-%[2]d}
spec:
  rules:
  - host: web-%[1]d.example
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web-%[1]d, port: {name: http}}}}]}
`

// TestClassInTwoWays: a class without an IngressClass object is known to the older
// annotation alone, whichever Ingress is read first.
func TestClassInTwoWays(t *testing.T) {
	const ingress = `---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: %s, namespace: shop%s}
spec: {%sdefaultBackend: {service: {name: web, port: {number: 80}}}}
`
	field := func(name string) string { return fmt.Sprintf(ingress, name, "", "ingressClassName: traefik, ") }
	annotation := func(name string) string {
		return fmt.Sprintf(ingress, name, ", annotations: {kubernetes.io/ingress.class: traefik}", "")
	}
	const controller = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: controller, namespace: ingress}\nspec: {containers: [{name: c, image: traefik:v3.6.7}]}\n"
	for name, objects := range map[string]string{"field first": field("a") + annotation("b"), "annotation first": annotation("a") + field("b")} {
		t.Run(name, func(t *testing.T) {
			s := load(t, objects+controller)
			s.Derived = true
			for i, r := range topology.Build(s).Routes {
				served := (name == "field first") == (i == 1)
				if (r.Controller != nil) != served || served != (r.Problem == "") {
					t.Errorf("%s: controller %v, problem %q; want it served: %v", r.Owner, r.Controller, r.Problem, served)
				}
			}
		})
	}
}
