package model_test

import (
	"net/netip"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/stagegate/stagegate/internal/reach/model/admin"
)

func (n naive) inNamespaces(s *metav1.LabelSelector, namespace string) bool {
	return selects(s, n.cluster.Namespaces[namespace].Labels)
}

func (n naive) subject(c connection, s admin.Subject) bool {
	if s.Namespaces != nil {
		return n.inNamespaces(s.Namespaces, c.subject.Namespace)
	}
	return n.inNamespaces(&s.Pods.NamespaceSelector, c.subject.Namespace) && selects(&s.Pods.PodSelector, c.subject.Labels)
}

func (n naive) adminPeers(c connection, peers []admin.Peer) bool {
	for _, p := range peers {
		switch {
		case p.Namespaces != nil:
			if !c.other.HostNetwork && n.inNamespaces(p.Namespaces, c.other.Namespace) {
				return true
			}
		case p.Pods != nil:
			if !c.other.HostNetwork && n.inNamespaces(&p.Pods.NamespaceSelector, c.other.Namespace) && selects(&p.Pods.PodSelector, c.other.Labels) {
				return true
			}
		case p.Nodes != nil:
			for _, node := range n.cluster.Nodes {
				if c.other.HostNetwork && c.other.Node == node.Name && selects(p.Nodes, node.Labels) {
					return true
				}
			}
		default:
			for _, cidr := range p.Networks {
				if netip.MustParsePrefix(cidr).Contains(c.otherIP()) {
					return true
				}
			}
		}
	}
	return false
}

func (n naive) adminPolicy(c connection, tie string, spec admin.Spec) step {
	rules := spec.Egress
	if c.ingress {
		rules = spec.Ingress
	}
	s := step{order: float64(*spec.Priority), tie: tie, applies: len(rules) > 0 && n.subject(c, spec.Subject)}
	s.decide = func() string {
		for _, r := range rules {
			if n.adminPeers(c, append(r.From, r.To...)) && adminPorts(c, r.Ports) {
				return strings.ToLower(r.Action)
			}
		}
		return ""
	}
	return s
}

func adminPorts(c connection, ports []admin.Port) bool {
	for _, p := range ports {
		switch {
		case p.PortNumber != nil:
			if orTCP(p.PortNumber.Protocol) == string(c.protocol) && int(p.PortNumber.Port) == int(c.port) {
				return true
			}
		case p.PortRange != nil:
			if orTCP(p.PortRange.Protocol) == string(c.protocol) && int(p.PortRange.Start) <= int(c.port) && int(c.port) <= int(p.PortRange.End) {
				return true
			}
		case c.named(*p.NamedPort):
			return true
		}
	}
	return len(ports) == 0
}

func orTCP(protocol string) string {
	if protocol == "" {
		return "TCP"
	}
	return protocol
}

func (n naive) clusterPolicy(c connection, tie string, spec admin.ClusterSpec) step {
	rules := spec.Egress
	if c.ingress {
		rules = spec.Ingress
	}
	s := step{order: float64(*spec.Priority), tie: tie, applies: len(rules) > 0 && n.subject(c, spec.Subject)}
	s.decide = func() string {
		for _, r := range rules {
			if n.adminPeers(c, append(r.From, r.To...)) && clusterPorts(c, r.Protocols) {
				return map[string]string{"Accept": "allow", "Deny": "deny", "Pass": "pass"}[r.Action]
			}
		}
		return ""
	}
	return s
}

func clusterPorts(c connection, protocols []admin.Protocol) bool {
	for _, p := range protocols {
		given := map[string]*admin.ProtocolPort{"TCP": p.TCP, "UDP": p.UDP, "SCTP": p.SCTP}[string(c.protocol)]
		if given != nil {
			d := given.DestinationPort
			switch {
			case d == nil:
				return true
			case d.Range != nil:
				if int(d.Range.Start) <= int(c.port) && int(c.port) <= int(d.Range.End) {
					return true
				}
			case int(d.Number) == int(c.port):
				return true
			}
		}
		if p.DestinationNamedPort != "" && c.named(p.DestinationNamedPort) {
			return true
		}
	}
	return len(protocols) == 0
}
