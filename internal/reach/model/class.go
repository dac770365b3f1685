package model

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/reach/model/policy"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// unset marks what was not evaluated yet.
const unset policy.Tri = 0xff

// class is a set of pods, or one address, that no policy can tell apart.
type class struct {
	id      int
	party   policy.Party // a representative
	matches []policy.Tri // by expression; unset until asked for
	egress  *chain
	// besideNode is egress to the pod's own node.
	besideNode *chain
}

// classes groups pods by exactly what the policies of a program look at.
type classes struct {
	program    *program
	cluster    *topology.Cluster
	accounts   map[[2]string]map[string]string
	nodes      map[string]*topology.Node
	nodeByAddr map[netip.Addr]*topology.Node
	serves     map[*topology.Pod][]policy.ServicePort
	keys       keyOrder
	list       []*class
	byKey      map[string]*class
	byPod      map[podView]*class
}

// podView is a pod seen at one of its addresses.
type podView struct {
	pod  *topology.Pod
	addr netip.Addr
}

// keyOrder has what is compared, in a fixed order.
type keyOrder struct {
	labels, namespaceLabels, accountLabels []string
	nets                                   []netip.Prefix
}

func classify(c *topology.Cluster, p *program, accounts map[[2]string]map[string]string) *classes {
	out := &classes{
		program: p, cluster: c, accounts: accounts,
		nodes: map[string]*topology.Node{}, nodeByAddr: map[netip.Addr]*topology.Node{},
		byKey: map[string]*class{}, byPod: map[podView]*class{},
		keys: keyOrder{
			labels: sorted(p.uses.Labels), namespaceLabels: sorted(p.uses.NamespaceLabels),
			accountLabels: sorted(p.uses.ServiceAccountLabels),
			nets:          slices.SortedFunc(maps.Keys(p.uses.Nets), netip.Prefix.Compare),
		},
	}
	for _, n := range c.Nodes {
		out.nodes[n.Name] = n
		for _, a := range n.IPs {
			out.nodeByAddr[a] = n
		}
	}
	out.serves = serving(c, p.uses)
	return out
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

// serving finds the endpoints of the Services that some policy asks for.
func serving(c *topology.Cluster, uses *policy.Uses) map[*topology.Pod][]policy.ServicePort {
	out := map[*topology.Pod][]policy.ServicePort{}
	for _, s := range c.Services {
		if !uses.Services[[2]string{s.Namespace, s.Name}] {
			continue
		}
		for _, port := range s.Ports {
			for _, e := range s.Endpoints[port] {
				if e.Pod != nil {
					out[e.Pod] = append(out[e.Pod], policy.ServicePort{Namespace: s.Namespace, Name: s.Name, Port: e.Port, Protocol: port.Protocol})
				}
			}
		}
	}
	return out
}

// of is the class of a pod at one of its addresses (the zero Addr where it has none yet).
func (cs *classes) of(pod *topology.Pod, addr netip.Addr) *class {
	view := podView{pod, addr}
	c, ok := cs.byPod[view]
	if !ok {
		c = cs.add(cs.party(pod, addr))
		cs.byPod[view] = c
	}
	return c
}

// outside is the class of an address that no pod has.
func (cs *classes) outside(addr netip.Addr) *class {
	return cs.add(policy.Party{Addr: addr, Node: cs.nodeByAddr[addr]})
}

func (cs *classes) add(p policy.Party) *class {
	key := cs.key(&p)
	c, ok := cs.byKey[key]
	if !ok {
		c = &class{id: len(cs.list), party: p, matches: slices.Repeat([]policy.Tri{unset}, len(cs.program.exprs))}
		cs.list = append(cs.list, c)
		cs.byKey[key] = c
	}
	return c
}

func (cs *classes) party(pod *topology.Pod, addr netip.Addr) policy.Party {
	p := policy.Party{Pod: pod, Addr: addr, Namespace: cs.cluster.Namespaces[pod.Namespace], Serves: cs.serves[pod]}
	if p.Namespace == nil {
		p.Namespace = &topology.Namespace{Name: pod.Namespace, Labels: map[string]string{"kubernetes.io/metadata.name": pod.Namespace}}
	}
	if pod.HostNetwork {
		p.Node = cs.nodes[pod.Node]
	}
	p.ServiceAccount = cs.accounts[[2]string{pod.Namespace, p.ServiceAccountName()}]
	return p
}

// key has everything that can make a difference. Strings are quoted so that no two
// different parties share one.
func (cs *classes) key(p *policy.Party) string {
	var b strings.Builder
	for _, n := range cs.keys.nets {
		b.WriteByte('0' + byte(policy.Net{Prefix: n}.Match(p)))
	}
	fmt.Fprintf(&b, "|%t %t", p.Addr.IsValid(), p.Addr.Is4())
	if p.Node != nil {
		fmt.Fprintf(&b, "|node %q", p.Node.Name)
	}
	if p.Pod == nil {
		return b.String()
	}
	uses := cs.program.uses
	fmt.Fprintf(&b, "|pod %t %v %v", p.Pod.HostNetwork, p.Pod.Ports, p.Serves)
	pick(&b, p.Pod.Labels, cs.keys.labels)
	pick(&b, p.Namespace.Labels, cs.keys.namespaceLabels)
	pick(&b, p.ServiceAccount, cs.keys.accountLabels)
	if uses.EveryNamespace || uses.Namespaces[p.Pod.Namespace] {
		fmt.Fprintf(&b, "|%q", p.Pod.Namespace)
	}
	if uses.ServiceAccountNames {
		fmt.Fprintf(&b, "|sa %q", p.ServiceAccountName())
	}
	return b.String()
}

func pick(b *strings.Builder, from map[string]string, keys []string) {
	b.WriteByte('|')
	for _, k := range keys {
		if v, ok := from[k]; ok {
			fmt.Fprintf(b, "%q", v)
		}
		b.WriteByte(',')
	}
}

// match evaluates an expression on a class, once.
func (c *class) match(p *program, expr int) policy.Tri {
	if c.matches[expr] == unset {
		c.matches[expr] = p.exprs[expr].Match(&c.party)
	}
	return c.matches[expr]
}
