package model_test

import (
	"encoding/json"
	"net/netip"
	"slices"
	"sort"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stagegate/stagegate/internal/reach/model/admin"
	"github.com/stagegate/stagegate/internal/reach/model/calico"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// naive decides each pair of pods on its own, straight from the API documentation:
// without classes, normalized rules or the selector parser. It knows every address.
type naive struct {
	*world
}

// connection is what one packet looks like to a policy.
type connection struct {
	src, dst       *topology.Pod
	srcIP, dstIP   netip.Addr
	port           uint16
	protocol       topology.Protocol
	ingress        bool // the direction being decided
	subject, other *topology.Pod
}

// step is a policy or rule set that may decide: "allow", "deny", "pass" or "" (no match).
type step struct {
	order   float64
	tie     string
	applies bool
	decide  func() string
}

type stage struct {
	order   float64
	name    string
	deny    bool // at the end
	members []step
}

func (n naive) reachable(src, dst *topology.Pod, port uint16, protocol topology.Protocol) bool {
	if src == dst {
		return true
	}
	c := connection{src: src, dst: dst, port: port, protocol: protocol}
	found := false
	for _, d := range dst.IPs {
		for _, s := range src.IPs {
			if !found && s.Is4() == d.Is4() {
				c.srcIP, c.dstIP, found = s, d, true
			}
		}
	}
	if !found {
		return false
	}
	return n.allows(c, false) && n.allows(c, true)
}

func (n naive) allows(c connection, ingress bool) bool {
	c.ingress, c.subject, c.other = ingress, c.src, c.dst
	if ingress {
		c.subject, c.other = c.dst, c.src
	}
	sameNode := c.src.Node == c.dst.Node
	if c.subject.HostNetwork || ingress && c.src.HostNetwork && sameNode {
		return true
	}
	spared := !ingress && c.dst.HostNetwork && sameNode
	for _, s := range n.stages(c, spared) {
		applied := false
		verdict := ""
		for _, m := range s.members {
			if !m.applies {
				continue
			}
			applied = true
			if verdict = m.decide(); verdict != "" {
				break
			}
		}
		switch {
		case verdict == "allow":
			return true
		case verdict == "deny", verdict == "" && applied && s.deny:
			return false
		}
	}
	return true
}

func (n naive) stages(c connection, spared bool) []stage {
	stages := []stage{{order: 1000, name: "admin"}, {order: 1e7, name: "baseline"}, {order: 1e6, name: "default", deny: true}}
	for name, spec := range n.tiers {
		if name != "default" {
			stages = append(stages, stage{order: spec.order, name: name, deny: spec.deny})
		} else {
			stages[2].deny = spec.deny
		}
	}
	add := func(tier string, s step) {
		for i := range stages {
			if stages[i].name == tier {
				stages[i].members = append(stages[i].members, s)
			}
		}
	}
	for _, o := range n.objects {
		ns, name := o.GetNamespace(), o.GetName()
		switch o.GroupVersionKind().Group + "/" + o.GetKind() {
		case "networking.k8s.io/NetworkPolicy":
			spec := load[networkingv1.NetworkPolicySpec](n, o)
			if !spared {
				add("default", n.networkPolicy(c, ns, name, spec))
			}
		case "policy.networking.k8s.io/AdminNetworkPolicy":
			spec := load[admin.Spec](n, o)
			add("admin", n.adminPolicy(c, name+"/"+o.GetKind(), spec))
		case "policy.networking.k8s.io/BaselineAdminNetworkPolicy":
			spec := load[admin.Spec](n, o)
			spec.Priority = new(int32)
			add("baseline", n.adminPolicy(c, name+"/"+o.GetKind(), spec))
		case "policy.networking.k8s.io/ClusterNetworkPolicy":
			spec := load[admin.ClusterSpec](n, o)
			tier := map[string]string{"Admin": "admin", "Baseline": "baseline"}[spec.Tier]
			add(tier, n.clusterPolicy(c, name+"/"+o.GetKind(), spec))
		case "projectcalico.org/GlobalNetworkPolicy", "projectcalico.org/NetworkPolicy":
			spec := load[calico.PolicySpec](n, o)
			tier := spec.Tier
			if tier == "" {
				tier = "default"
			}
			add(tier, n.calicoPolicy(c, ns, name+"/"+ns+"/"+o.GetKind(), spec))
		}
	}
	sort.Slice(stages, func(i, j int) bool {
		return stages[i].order < stages[j].order || stages[i].order == stages[j].order && stages[i].name < stages[j].name
	})
	for _, s := range stages {
		sort.Slice(s.members, func(i, j int) bool {
			a, b := s.members[i], s.members[j]
			return a.order < b.order || a.order == b.order && a.tie < b.tie
		})
	}
	return stages
}

// load decodes a spec, once.
func load[T any](n naive, o *unstructured.Unstructured) T {
	if known, ok := n.decoded[o]; ok {
		return known.(T)
	}
	var spec T
	data, err := json.Marshal(o.Object["spec"])
	if err == nil {
		err = json.Unmarshal(data, &spec)
	}
	if err != nil {
		panic(err)
	}
	n.decoded[o] = spec
	return spec
}

// selects follows the documentation of LabelSelector.
func selects(s *metav1.LabelSelector, labels map[string]string) bool {
	for k, v := range s.MatchLabels {
		if got, ok := labels[k]; !ok || got != v {
			return false
		}
	}
	for _, e := range s.MatchExpressions {
		v, has := labels[e.Key]
		in := slices.Contains(e.Values, v)
		ok := map[metav1.LabelSelectorOperator]bool{
			metav1.LabelSelectorOpIn: has && in, metav1.LabelSelectorOpNotIn: !has || !in,
			metav1.LabelSelectorOpExists: has, metav1.LabelSelectorOpDoesNotExist: !has,
		}[e.Operator]
		if !ok {
			return false
		}
	}
	return true
}

func (n naive) networkPolicy(c connection, ns, name string, spec networkingv1.NetworkPolicySpec) step {
	governs := func(t networkingv1.PolicyType) bool {
		if len(spec.PolicyTypes) > 0 {
			return slices.Contains(spec.PolicyTypes, t)
		}
		return t == networkingv1.PolicyTypeIngress || len(spec.Egress) > 0
	}
	direction := networkingv1.PolicyTypeEgress
	if c.ingress {
		direction = networkingv1.PolicyTypeIngress
	}
	s := step{order: 1000, tie: name + "/" + ns + "/Kubernetes"}
	s.applies = c.subject.Namespace == ns && selects(&spec.PodSelector, c.subject.Labels) && governs(direction)
	s.decide = func() string {
		if c.ingress {
			for _, r := range spec.Ingress {
				if n.peers(c, ns, r.From) && npPorts(c, r.Ports) {
					return "allow"
				}
			}
			return ""
		}
		for _, r := range spec.Egress {
			if n.peers(c, ns, r.To) && npPorts(c, r.Ports) {
				return "allow"
			}
		}
		return ""
	}
	return s
}

func (c connection) otherIP() netip.Addr {
	if c.ingress {
		return c.srcIP
	}
	return c.dstIP
}

func (n naive) peers(c connection, ns string, peers []networkingv1.NetworkPolicyPeer) bool {
	if len(peers) == 0 {
		return true
	}
	for _, p := range peers {
		if p.IPBlock != nil {
			in := netip.MustParsePrefix(p.IPBlock.CIDR).Contains(c.otherIP())
			for _, e := range p.IPBlock.Except {
				in = in && !netip.MustParsePrefix(e).Contains(c.otherIP())
			}
			if in {
				return true
			}
			continue
		}
		if c.other.HostNetwork {
			continue
		}
		if p.NamespaceSelector == nil && c.other.Namespace != ns {
			continue
		}
		if p.NamespaceSelector != nil && !selects(p.NamespaceSelector, n.cluster.Namespaces[c.other.Namespace].Labels) {
			continue
		}
		if p.PodSelector == nil || selects(p.PodSelector, c.other.Labels) {
			return true
		}
	}
	return false
}

func npPorts(c connection, ports []networkingv1.NetworkPolicyPort) bool {
	if len(ports) == 0 {
		return true
	}
	for _, p := range ports {
		protocol := "TCP"
		if p.Protocol != nil {
			protocol = string(*p.Protocol)
		}
		switch {
		case protocol != string(c.protocol):
		case p.Port == nil:
			return true
		case p.Port.StrVal != "":
			if c.named(p.Port.StrVal) {
				return true
			}
		case p.EndPort != nil:
			if int(p.Port.IntVal) <= int(c.port) && int(c.port) <= int(*p.EndPort) {
				return true
			}
		case int(p.Port.IntVal) == int(c.port):
			return true
		}
	}
	return false
}

// named tells whether the destination declares its port under a name.
func (c connection) named(name string) bool {
	for _, p := range c.dst.Ports {
		if !c.dst.HostNetwork && p.Name == name && p.Number == c.port && p.Protocol == c.protocol {
			return true
		}
	}
	return false
}
