package discover_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/discover"
	"github.com/stagegate/stagegate/internal/reach/topology"
	"github.com/stagegate/stagegate/internal/snapshot"
	"github.com/stagegate/stagegate/internal/yamldoc"
)

func build(t testing.TB, documents ...string) *topology.Cluster {
	t.Helper()
	objects, err := yamldoc.Decode("test.yaml", []byte(strings.Join(documents, "\n---\n")))
	if err != nil {
		t.Fatal(err)
	}
	s, err := snapshot.New(objects...)
	if err != nil {
		t.Fatal(err)
	}
	s.Derived = true
	return topology.Build(s)
}

func deployment(namespace, name, container string) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: %[2]s, namespace: %[1]s}
spec:
  selector: {matchLabels: {app: %[2]s}}
  template: {metadata: {labels: {app: %[2]s}}, spec: {containers: [{name: c, image: i%[3]s}]}}`, namespace, name, container)
}

func service(namespace, name, spec string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: %[2]s, namespace: %[1]s}\nspec: {selector: {app: %[2]s}, %[3]s}", namespace, name, spec)
}

const ingress = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec:
  defaultBackend: {service: {name: web, port: {number: 80}}}
  rules:
  - host: shop.example
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}
      - {path: /api, pathType: Prefix, backend: {service: {name: api, port: {number: 8080}}}}
      - {path: /old, pathType: Prefix, backend: {service: {name: web, port: {name: gone}}}}`

const httpRoute = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: shop}
spec:
  parentRefs: [{name: gone}]
  rules: [{backendRefs: [{name: web, port: 80}, {name: idle, port: 80, weight: 0}, {name: x, namespace: data, port: 80}]}]`

func TestEdges(t *testing.T) {
	cluster := build(t,
		deployment("shop", "web", `, env: [{name: DB, value: "postgres://u:p@db.data.svc.cluster.local:5432/x"}]`),
		deployment("shop", "api", `, args: ["--cache=cache.data:6379,cache.data:6380", "--self=api.shop.svc"]`),
		deployment("data", "db", ""),
		deployment("data", "cache", `, command: [see, "http://web.shop/"]`),
		"apiVersion: batch/v1\nkind: Job\nmetadata: {name: once, namespace: shop}\nspec: {template: {spec: {containers: [{name: c, image: i}]}}}",
		service("shop", "web", "type: LoadBalancer, ports: [{name: http, port: 80}]"),
		service("shop", "api", "type: NodePort, ports: [{port: 8080}, {name: u, port: 53, protocol: UDP}]"),
		service("shop", "outside", "type: ExternalName, externalName: x.example"),
		service("data", "db", "ports: [{port: 5432}, {name: metrics, port: 9187}]"),
		service("data", "cache", "ports: [{port: 6379}]"),
		ingress, httpRoute,
	)
	published := []string{
		"external -> httproute/shop/r (/) of HTTPRoute shop/r",
		"external -> ingress/shop/web (/) of Ingress shop/web",
		"external -> ingress/shop/web (shop.example/) of Ingress shop/web",
		"external -> ingress/shop/web (shop.example/api) of Ingress shop/web",
		"external -> ingress/shop/web (shop.example/old) of Ingress shop/web",
		"external -> service/shop/api:53/UDP of Service shop/api",
		"external -> service/shop/api:8080/TCP of Service shop/api",
		"external -> service/shop/web:80/TCP of Service shop/web",
		"httproute/shop/r -> service/shop/web:80/TCP of HTTPRoute shop/r",
		"ingress/shop/web -> service/shop/api:8080/TCP of Ingress shop/web",
		"ingress/shop/web -> service/shop/web:80/TCP of Ingress shop/web",
	}
	tests := map[string]struct {
		checks config.Checks
		want   []string
	}{
		"nothing":   {config.Checks{Discover: config.Discover{Services: config.NoServices}}, nil},
		"published": {config.Checks{Discover: config.Discover{Ingresses: true, Services: config.NoServices}}, published},
		"namespace": {config.Checks{Discover: config.Discover{Services: config.NamespaceServices}}, []string{
			"deployment/data/cache -> service/data/db:5432/TCP of Service data/db",
			"deployment/data/cache -> service/data/db:9187/TCP of Service data/db",
			"deployment/data/cache -> service/shop/web:80/TCP of Service shop/web",
			"deployment/data/db -> service/data/cache:6379/TCP of Service data/cache",
			"deployment/shop/api -> service/data/cache:6379/TCP of Service data/cache",
			"deployment/shop/api -> service/shop/web:80/TCP of Service shop/web",
			"deployment/shop/web -> service/data/db:5432/TCP of Service data/db",
			"deployment/shop/web -> service/shop/api:53/UDP of Service shop/api",
			"deployment/shop/web -> service/shop/api:8080/TCP of Service shop/api",
		}},
		"exclude": {config.Checks{Discover: config.Discover{Services: config.NamespaceServices, Exclude: []string{
			"deployment/data/* -> *", "* -> service/shop/api", "*/shop/web -> service/data/db:5432/TCP",
		}}}, []string{
			"deployment/shop/api -> service/data/cache:6379/TCP of Service data/cache",
			"deployment/shop/api -> service/shop/web:80/TCP of Service shop/web",
		}},
		"declared": {config.Checks{
			Discover: config.Discover{Services: config.NamespaceServices, Exclude: []string{"* -> *"}},
			Checks: []config.Check{
				{Name: "db is closed", Edge: reach.Edge{From: "deployment/shop/api", To: "service/data/db:5432"}, Want: reach.Unreachable, Source: "checks.yaml:3"},
				{Name: "no such thing", Edge: reach.Edge{From: "external", To: "ingress/no/such"}, Want: reach.Reachable, Source: "checks.yaml:9"},
			},
		}, []string{
			"deployment/shop/api -> service/data/db:5432/TCP of checks.yaml:3 db is closed unreachable",
			"external -> ingress/no/such of checks.yaml:9 no such thing reachable",
		}},
		"declared over discovered": {config.Checks{
			Discover: config.Discover{Services: config.NamespaceServices, Exclude: []string{"deployment/data/* -> *", "deployment/shop/web -> *"}},
			Checks:   []config.Check{{Name: "cache", Edge: reach.Edge{From: "deployment/shop/api", To: "service/data/cache:6379/tcp"}, Want: reach.Reachable, Source: "checks.yaml:3"}},
		}, []string{
			"deployment/shop/api -> service/data/cache:6379/TCP of checks.yaml:3 cache reachable",
			"deployment/shop/api -> service/shop/web:80/TCP of Service shop/web",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			expectations, err := discover.Edges(cluster, tt.checks)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, describe(expectations)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func describe(expectations []reach.Expectation) []string {
	var out []string
	for _, e := range expectations {
		s := e.Edge.String() + " of " + e.Source
		if e.Want != reach.Unknown {
			s += " " + e.Name + " " + string(e.Want)
		}
		out = append(out, s)
	}
	return out
}

func TestEdgesFromEveryWorkload(t *testing.T) {
	cluster := build(t, deployment("a", "x", ""), deployment("b", "z", ""), service("a", "x", "ports: [{port: 80}]"), service("b", "z", "ports: [{port: 80}]"))
	expectations, err := discover.Edges(cluster, config.Checks{Discover: config.Discover{Services: config.AllServices}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"deployment/a/x -> service/b/z:80/TCP of Service b/z",
		"deployment/b/z -> service/a/x:80/TCP of Service a/x",
	}
	if diff := cmp.Diff(want, describe(expectations)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEdgesRefuses(t *testing.T) {
	declared := func(from, to string, want reach.Outcome) config.Check {
		return config.Check{Name: "n", Edge: reach.Edge{From: from, To: to}, Want: want, Source: "checks.yaml:7"}
	}
	tests := map[string]struct {
		checks config.Checks
		want   string
	}{
		"malformed": {
			config.Checks{Checks: []config.Check{declared("deployment/shop", "service/a/b:1", reach.Reachable)}},
			`checks.yaml:7: check "n": reading endpoint "deployment/shop": expected deployment/NAMESPACE/NAME`,
		},
		"contradiction": {
			config.Checks{Checks: []config.Check{declared("external", "service/a/b:1", reach.Reachable), declared("external", "service/a/b:1/tcp", reach.Unreachable)}},
			"expects unreachable, and check \"n\" at checks.yaml:7 expects reachable of the same edge",
		},
		"pattern": {config.Checks{Discover: config.Discover{Exclude: []string{"a[ -> b"}}}, `exclude pattern "a[ -> b"`},
		"scope":   {config.Checks{Discover: config.Discover{Services: "some"}}, `unknown scope of services "some": use none, namespace or all`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := discover.Edges(&topology.Cluster{}, tt.checks)
			if err == nil || !strings.Contains(err.Error(), tt.want) || got != nil {
				t.Errorf("got %v, %v; want %q", got, err, tt.want)
			}
		})
	}
}

// BenchmarkEdges discovers the edges of 50 namespaces with 20 workloads and Services each.
func BenchmarkEdges(b *testing.B) {
	var documents []string
	for n := range 50 {
		for w := range 20 {
			namespace, name := fmt.Sprintf("ns-%d", n), fmt.Sprintf("web-%d", w)
			documents = append(documents, deployment(namespace, name, `, env: [{name: A, value: "http://web-1.ns-0.svc:80/"}]`), service(namespace, name, "ports: [{port: 80}]"))
		}
	}
	cluster := build(b, documents...)
	for b.Loop() {
		edges, err := discover.Edges(cluster, config.Checks{})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(edges)), "edges")
	}
}
