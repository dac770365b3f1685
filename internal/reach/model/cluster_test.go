package model_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/model"
	"github.com/stagegate/stagegate/internal/reach/topology"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// objects reads YAML documents as a snapshot, sourced "test.yaml".
func objects(t testing.TB, documents string) *snapshot.Snapshot {
	t.Helper()
	s, err := snapshot.New(parse(t, documents)...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func parse(t testing.TB, documents string) []snapshot.Object {
	t.Helper()
	var out []snapshot.Object
	for _, doc := range strings.Split(documents, "\n---") {
		if strings.TrimSpace(doc) == "" {
			continue
		}
		u := &unstructured.Unstructured{}
		data, err := yaml.YAMLToJSON([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		if err := u.UnmarshalJSON(data); err != nil {
			t.Fatal(err)
		}
		out = append(out, snapshot.Object{Unstructured: u, Source: "test.yaml"})
	}
	return out
}

func newModel(t testing.TB, c *topology.Cluster, documents string) *model.Model {
	t.Helper()
	m, err := model.New(objects(t, documents), c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func labels(pairs ...string) map[string]string {
	out := map[string]string{}
	for _, p := range pairs {
		k, v, _ := strings.Cut(p, "=")
		out[k] = v
	}
	return out
}

func namespace(name string, pairs ...string) *topology.Namespace {
	out := &topology.Namespace{Name: name, Labels: labels(pairs...)}
	out.Labels["kubernetes.io/metadata.name"] = name
	return out
}

func tcp(number uint16, name string) topology.Port {
	return topology.Port{Name: name, Number: number, Protocol: topology.TCP}
}

func udp(number uint16, name string) topology.Port {
	return topology.Port{Name: name, Number: number, Protocol: topology.UDP}
}

func pod(ns, name, ip string, ls map[string]string, ports ...topology.Port) *topology.Pod {
	p := &topology.Pod{
		Namespace: ns, Name: name, Labels: ls, ServiceAccount: "default", Node: "node-1",
		Ports: ports, Ready: true, Workload: "pod/" + ns + "/" + name,
	}
	if ip != "" {
		p.IPs = []netip.Addr{netip.MustParseAddr(ip)}
	}
	return p
}

// service makes a Service of one port to the given pods.
func service(ns, name, kind string, port, target uint16, pods ...*topology.Pod) *topology.Service {
	sp := topology.ServicePort{Name: "http", Number: port, Protocol: topology.TCP, Target: target}
	s := &topology.Service{
		Namespace: ns, Name: name, Type: kind, Ports: []topology.ServicePort{sp},
		Selector: map[string]string{"app": name}, Endpoints: map[topology.ServicePort][]topology.Endpoint{},
	}
	for _, p := range pods {
		s.Endpoints[sp] = append(s.Endpoints[sp], topology.Endpoint{Pod: p, Address: p.IPs[0], Port: target, Ready: p.Ready})
	}
	return s
}

// netpol is the cluster of Kubernetes' own end-to-end tests of NetworkPolicy: pods a, b
// and c in each of the namespaces x, y and z, with ports 80 and 81.
func netpol() *topology.Cluster {
	c := &topology.Cluster{Namespaces: map[string]*topology.Namespace{}}
	for i, ns := range []string{"x", "y", "z"} {
		c.Namespaces[ns] = namespace(ns, "ns="+ns)
		for j, name := range []string{"a", "b", "c"} {
			p := pod(ns, name, fmt.Sprintf("10.0.%d.%d", i+1, j+1), labels("pod="+name),
				tcp(80, "serve-80-tcp"), tcp(81, "serve-81-tcp"), udp(80, "serve-80-udp"), udp(81, "serve-81-udp"),
				topology.Port{Name: "serve-80-sctp", Number: 80, Protocol: topology.SCTP})
			c.Pods = append(c.Pods, p)
		}
	}
	return c
}

// one evaluates a flow written as "NAMESPACE/POD NAMESPACE/POD PORT/PROTOCOL".
func one(t testing.TB, m *model.Model, flow string) reach.Result {
	t.Helper()
	part := strings.Fields(flow)
	e := reach.Edge{From: "pod/" + part[0], To: "pod/" + part[1] + ":" + part[2]}
	return m.Evaluate(t.Context(), []reach.Edge{e}).Edges[0]
}

func checkFlows(t *testing.T, m *model.Model, reached, cut []string) {
	t.Helper()
	for want, flows := range map[reach.Outcome][]string{reach.Reachable: reached, reach.Unreachable: cut} {
		for _, f := range flows {
			if got := one(t, m, f); got.Outcome != want {
				t.Errorf("%s: %s (%s), want %s", f, got.Outcome, got.Reason, want)
			}
		}
	}
}

func portText(p topology.Port) string { return fmt.Sprintf(":%d/%s", p.Number, p.Protocol) }
