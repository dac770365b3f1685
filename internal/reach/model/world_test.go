package model_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stagegate/stagegate/internal/reach/topology"
	"github.com/stagegate/stagegate/internal/snapshot"
)

type (
	object = map[string]any
	list   = []any
)

// world is a random cluster with random policies of every kind, small enough that rules
// often meet.
type world struct {
	*rand.Rand
	plain    bool // pods that differ little, so that many are of one class
	cluster  *topology.Cluster
	objects  []*unstructured.Unstructured
	tiers    map[string]tierOf
	sets     []setOf
	accounts map[[2]string]map[string]string
	// meaning is what each generated Calico selector says, kept apart from its text.
	meaning map[string]func(map[string]string) bool
	decoded map[*unstructured.Unstructured]any // of the naive evaluator
}

type tierOf struct {
	order float64
	deny  bool
}

type setOf struct {
	namespace string
	labels    map[string]string
	nets      []string
}

func newWorld(seed uint64) *world {
	w := &world{
		Rand: rand.New(rand.NewPCG(seed, 1)), tiers: map[string]tierOf{},
		decoded:  map[*unstructured.Unstructured]any{},
		accounts: map[[2]string]map[string]string{}, meaning: map[string]func(map[string]string) bool{},
		cluster: &topology.Cluster{Namespaces: map[string]*topology.Namespace{}},
	}
	w.plain = w.chance(50)
	w.populate()
	w.extras()
	for i := range 1 + w.IntN(6) {
		w.policy(fmt.Sprintf("p%d", i))
	}
	return w
}

func (w *world) snapshot() (*snapshot.Snapshot, error) {
	var out []snapshot.Object
	for _, o := range w.objects {
		out = append(out, snapshot.Object{Unstructured: o, Source: "random"})
	}
	return snapshot.New(out...)
}

func (w *world) chance(percent int) bool { return w.IntN(100) < percent }

func pickOne[T any](w *world, from ...T) T { return from[w.IntN(len(from))] }

func (w *world) randomLabels() map[string]string {
	out := map[string]string{}
	for _, k := range []string{"app", "role"} {
		if w.plain && w.chance(60) {
			out[k] = "a"
		} else if w.chance(80) {
			out[k] = pickOne(w, "a", "b", "ab")
		}
	}
	return out
}

func (w *world) populate() {
	for i := range 2 {
		w.cluster.Nodes = append(w.cluster.Nodes, &topology.Node{
			Name: fmt.Sprintf("node-%d", i), Labels: w.randomLabels(),
			IPs: []netip.Addr{netip.AddrFrom4([4]byte{192, 168, 0, byte(i + 1)})},
		})
	}
	for i, ns := range []string{"n0", "n1", "n2"} {
		w.cluster.Namespaces[ns] = namespace(ns)
		for k, v := range w.randomLabels() {
			w.cluster.Namespaces[ns].Labels[k] = v
		}
		for _, account := range []string{"default", "robot"} {
			w.accounts[[2]string{ns, account}] = w.randomLabels()
			w.add("v1", "ServiceAccount", ns, account, w.accounts[[2]string{ns, account}], nil)
		}
		w.add("v1", "Namespace", "", ns, w.cluster.Namespaces[ns].Labels, nil)
		for j := range 1 + w.IntN(3) {
			w.cluster.Pods = append(w.cluster.Pods, w.pod(ns, i, j))
		}
	}
}

func (w *world) pod(ns string, i, j int) *topology.Pod {
	p := pod(ns, fmt.Sprintf("pod-%d", j), fmt.Sprintf("10.0.%d.%d", i, j+1), w.randomLabels())
	node := w.cluster.Nodes[w.IntN(2)]
	p.Node, p.ServiceAccount = node.Name, pickOne(w, "default", "robot")
	v6 := netip.MustParseAddr(fmt.Sprintf("fd00::%d:%d", i, j+1))
	if w.plain {
		p.Ports = []topology.Port{tcp(80, "http"), udp(53, "dns")}
		return p
	}
	switch {
	case w.chance(15):
		p.HostNetwork, p.IPs = true, node.IPs
	case w.chance(20):
		p.IPs = append(p.IPs, v6)
	case w.chance(10):
		p.IPs = []netip.Addr{v6}
	}
	for _, port := range []topology.Port{tcp(80, "http"), tcp(8080, "alt"), udp(80, "http"), udp(53, "dns"), {Name: "sig", Number: 80, Protocol: topology.SCTP}} {
		if w.chance(60) {
			p.Ports = append(p.Ports, port)
		}
	}
	return p
}

// extras are the things that Calico's rules refer to.
func (w *world) extras() {
	for _, name := range []string{"front", "back"}[:w.IntN(3)] {
		t := tierOf{order: pickOne(w, 500.0, 2_000_000, 1e6, 2e7), deny: w.chance(60)}
		w.tiers[name] = t
		action := map[bool]any{true: pickOne[any](w, "Deny", ""), false: "Pass"}[t.deny]
		w.add("projectcalico.org/v3", "Tier", "", name, nil, object{"order": t.order, "defaultAction": action})
	}
	for i := range w.IntN(3) {
		s := setOf{labels: w.randomLabels(), nets: w.nets()}
		kind := "GlobalNetworkSet"
		if w.chance(50) {
			kind, s.namespace = "NetworkSet", pickOne(w, "n0", "n1")
		}
		w.add("projectcalico.org/v3", kind, s.namespace, fmt.Sprintf("set-%d", i), s.labels, object{"nets": texts(s.nets)})
		if s.namespace != "" {
			own := s.labels
			s.labels = map[string]string{"projectcalico.org/namespace": s.namespace}
			for k, v := range own {
				s.labels[k] = v
			}
		}
		w.sets = append(w.sets, s)
	}
	for _, ns := range []string{"n0", "n1"} {
		s := &topology.Service{Namespace: ns, Name: "svc", Endpoints: map[topology.ServicePort][]topology.Endpoint{}}
		port := topology.ServicePort{Number: 1, Protocol: topology.TCP}
		s.Ports = []topology.ServicePort{port}
		for _, p := range w.cluster.Pods {
			if p.Namespace == ns && w.chance(50) {
				s.Endpoints[port] = append(s.Endpoints[port], topology.Endpoint{Pod: p, Port: pickOne[uint16](w, 80, 8080), Ready: true})
			}
		}
		w.cluster.Services = append(w.cluster.Services, s)
	}
}

func (w *world) add(version, kind, ns, name string, labels map[string]string, spec object) {
	u := &unstructured.Unstructured{Object: object{"apiVersion": version, "kind": kind}}
	u.SetName(name)
	u.SetNamespace(ns)
	u.SetLabels(labels)
	if spec != nil {
		u.Object["spec"] = spec
	}
	w.objects = append(w.objects, u)
}

func texts(in []string) list {
	out := list{}
	for _, s := range in {
		out = append(out, s)
	}
	return out
}

func (w *world) nets() []string {
	var out []string
	for range 1 + w.IntN(2) {
		out = append(out, pickOne(w, "10.0.0.0/16", "10.0.1.0/24", "10.0.0.1/32", "0.0.0.0/0", "192.168.0.1/32", "fd00::/16", "10.0.2.0/23", "::/0"))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// describe prints a world for a failed test.
func (w *world) describe() string {
	var b strings.Builder
	for _, o := range w.objects {
		data, _ := o.MarshalJSON()
		b.Write(data)
	}
	for _, p := range w.cluster.Pods {
		fmt.Fprintf(&b, "%s/%s %v %v sa %s host %t on %s ports %v\n", p.Namespace, p.Name, p.Labels, p.IPs, p.ServiceAccount, p.HostNetwork, p.Node, p.Ports)
	}
	return b.String()
}
