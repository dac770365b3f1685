package model_test

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/stagegate/stagegate/internal/reach/model/calico"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

func (n naive) calicoPolicy(c connection, ns, tie string, spec calico.PolicySpec) step {
	s := step{order: math.Inf(1), tie: tie}
	if spec.Order != nil {
		s.order = *spec.Order
	}
	rules, governs := spec.Egress, len(spec.Egress) > 0
	if c.ingress {
		rules, governs = spec.Ingress, len(spec.Ingress) > 0 || len(spec.Egress) == 0
	}
	if len(spec.Types) > 0 {
		governs = slices.Contains(spec.Types, map[bool]string{true: "Ingress", false: "Egress"}[c.ingress])
	}
	s.applies = governs && (ns == "" || c.subject.Namespace == ns) &&
		n.says(spec.Selector, n.podLabels(c.subject)) &&
		n.says(spec.NamespaceSelector, n.namespaceLabels(c.subject.Namespace)) &&
		n.says(spec.ServiceAccountSelector, n.accountLabels(c.subject))
	s.decide = func() string {
		for _, r := range rules {
			if r.Action != "Log" && n.calicoRule(c, ns, r) {
				return strings.ToLower(r.Action)
			}
		}
		return ""
	}
	return s
}

func (n naive) calicoRule(c connection, ns string, r calico.Rule) bool {
	if r.IPVersion != nil && (*r.IPVersion == 4) != c.dstIP.Is4() {
		return false
	}
	if r.Protocol != nil && r.Protocol.StrVal != string(c.protocol) {
		return false
	}
	if r.NotProtocol != nil && r.NotProtocol.StrVal == string(c.protocol) {
		return false
	}
	d := r.Destination
	if len(d.Ports) > 0 && !slices.ContainsFunc(d.Ports, c.calicoPort) || slices.ContainsFunc(d.NotPorts, c.calicoPort) {
		return false
	}
	return n.calicoEntity(c.src, c.srcIP, ns, r.Source) && n.calicoEntity(c.dst, c.dstIP, ns, d) &&
		n.calicoServices(c, ns, r)
}

func (c connection) calicoPort(p intstr.IntOrString) bool {
	if low, high, ok := strings.Cut(p.StrVal, ":"); ok {
		from, _ := strconv.Atoi(low)
		to, _ := strconv.Atoi(high)
		return from <= int(c.port) && int(c.port) <= to
	}
	return p.StrVal != "" && c.named(p.StrVal) || p.StrVal == "" && int(p.IntVal) == int(c.port)
}

func (n naive) calicoServices(c connection, ns string, r calico.Rule) bool {
	if s := r.Source.Services; s != nil && !n.serves(c.src, ns, *s, nil) {
		return false
	}
	s := r.Destination.Services
	return s == nil || n.serves(c.dst, ns, *s, &c)
}

// serves tells whether a pod is an endpoint of a Service; with a connection, on its port.
func (n naive) serves(p *topology.Pod, ns string, match calico.Service, c *connection) bool {
	if match.Namespace != "" {
		ns = match.Namespace
	}
	for _, s := range n.cluster.Services {
		for port, endpoints := range s.Endpoints {
			for _, e := range endpoints {
				if s.Namespace == ns && s.Name == match.Name && e.Pod == p && (c == nil || e.Port == c.port && port.Protocol == c.protocol) {
					return true
				}
			}
		}
	}
	return false
}

func (n naive) calicoEntity(p *topology.Pod, ip netip.Addr, ns string, e calico.Entity) bool {
	in := func(nets []string) bool {
		return slices.ContainsFunc(nets, func(s string) bool { return netip.MustParsePrefix(s).Contains(ip) })
	}
	if len(e.Nets) > 0 && !in(e.Nets) || in(e.NotNets) {
		return false
	}
	positive := e.Selector != "" || e.NamespaceSelector != "" || e.ServiceAccounts != nil || ns != "" && e.NotSelector != ""
	// every endpoint or network set that has the address
	var candidates []candidate
	if !p.HostNetwork {
		candidates = append(candidates, candidate{n.podLabels(p), p.Namespace, p})
	}
	for _, s := range n.sets {
		if in := slices.ContainsFunc(s.nets, func(s string) bool { return netip.MustParsePrefix(s).Contains(ip) }); in {
			candidates = append(candidates, candidate{s.labels, s.namespace, nil})
		}
	}
	if !positive {
		return e.NotSelector == "" || !slices.ContainsFunc(candidates, func(x candidate) bool { return n.says(e.NotSelector, x.labels) })
	}
	return slices.ContainsFunc(candidates, func(x candidate) bool { return n.candidate(x, ns, e) })
}

type candidate struct {
	labels    map[string]string
	namespace string // empty: none
	pod       *topology.Pod
}

func (n naive) candidate(x candidate, ns string, e calico.Entity) bool {
	switch e.NamespaceSelector {
	case "":
		if ns != "" && x.namespace != ns {
			return false
		}
	case "all()":
		if x.namespace == "" {
			return false
		}
	case "global()":
		if x.namespace != "" {
			return false
		}
	default:
		if !n.says(e.NamespaceSelector, n.namespaceLabels(x.namespace)) {
			return false
		}
	}
	if !n.says(e.Selector, x.labels) || e.NotSelector != "" && n.says(e.NotSelector, x.labels) {
		return false
	}
	if a := e.ServiceAccounts; a != nil {
		var labels map[string]string
		name := ""
		if x.pod != nil {
			labels, name = n.accountLabels(x.pod), x.pod.ServiceAccount
		}
		return n.says(a.Selector, labels) && (len(a.Names) == 0 || slices.Contains(a.Names, name))
	}
	return true
}

// says asks the meaning that the generator gave to a selector.
func (n naive) says(text string, labels map[string]string) bool {
	return text == "" || n.meaning[text](labels)
}

func (n naive) podLabels(p *topology.Pod) map[string]string {
	out := map[string]string{
		"projectcalico.org/namespace": p.Namespace, "projectcalico.org/orchestrator": "k8s",
		"projectcalico.org/serviceaccount": p.ServiceAccount,
	}
	for k, v := range p.Labels {
		out[k] = v
	}
	return out
}

func (n naive) namespaceLabels(namespace string) map[string]string {
	out := map[string]string{}
	if namespace != "" {
		out["projectcalico.org/name"] = namespace
		for k, v := range n.cluster.Namespaces[namespace].Labels {
			out[k] = v
		}
	}
	return out
}

func (n naive) accountLabels(p *topology.Pod) map[string]string {
	out := map[string]string{"projectcalico.org/name": p.ServiceAccount}
	for k, v := range n.accounts[[2]string{p.Namespace, p.ServiceAccount}] {
		out[k] = v
	}
	return out
}
