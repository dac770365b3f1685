package model

import (
	"fmt"
	"net/netip"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// OutsideIPv4 and OutsideIPv6 stand for "an address somewhere on the Internet": policies
// see requests from outside as coming from them. They are of the ranges that RFC 5737 and
// RFC 3849 keep for documentation. Source address translation on the way in is not modelled.
const (
	OutsideIPv4 = "203.0.113.1"
	OutsideIPv6 = "2001:db8::1"
)

// end is one end of a flow: a pod, or an address.
type end struct {
	pod  *topology.Pod
	ips  []netip.Addr
	name string
}

func podEnd(p *topology.Pod) end {
	return end{pod: p, ips: p.IPs, name: "pod " + p.Namespace + "/" + p.Name}
}

func outsideEnd() end {
	return end{
		ips:  []netip.Addr{netip.MustParseAddr(OutsideIPv4), netip.MustParseAddr(OutsideIPv6)},
		name: "outside (taken as " + OutsideIPv4 + ")",
	}
}

func podEnds(pods []*topology.Pod) []end {
	out := make([]end, len(pods))
	for i, p := range pods {
		out[i] = podEnd(p)
	}
	return out
}

// addresses of an end: a host-network pod that does not run yet will have its node's.
func (m *Model) addresses(e end) []netip.Addr {
	if e.pod != nil && e.pod.HostNetwork && len(e.ips) == 0 {
		if node := m.classes.nodes[e.pod.Node]; node != nil {
			return node.IPs
		}
	}
	return e.ips
}

func (m *Model) class(e end, addr netip.Addr) *class {
	if e.pod != nil {
		return m.classes.of(e.pod, addr)
	}
	return m.classes.outside(addr)
}

// door is a port of an end.
type door struct {
	end
	port     uint16
	protocol topology.Protocol
}

func (d door) String() string { return fmt.Sprintf("%s on %d/%s", d.name, d.port, d.protocol) }

// finding is an outcome with its reason.
type finding struct {
	outcome reach.Outcome
	reason  string
	cause   string // the part of the reason that names no end; empty where no policy decides
}

func unreachable(format string, args ...any) finding {
	return finding{outcome: reach.Unreachable, reason: fmt.Sprintf(format, args...)}
}

func failed(format string, args ...any) finding {
	return finding{outcome: reach.Error, reason: fmt.Sprintf(format, args...)}
}

func (f finding) ok() bool { return f.outcome == reach.Reachable }

// flow decides whether packets get from an end through a door.
func (m *Model) flow(src end, dst door) finding {
	from, to, ok := family(m.addresses(src), m.addresses(dst.end))
	if !ok {
		return unreachable("%s and %s share no IP version", src.name, dst.name)
	}
	t := m.target(m.class(dst.end, to), dst.port, dst.protocol)
	return m.explain(m.judge(m.class(src, from), t, relation(src.pod, dst.pod)), src, dst)
}

// explain puts a verdict into words. A denial goes before what is unclear: it holds
// whatever becomes known.
func (m *Model) explain(v verdict, src end, dst door) finding {
	egress, ingress := m.program.rulings[v.egress], m.program.rulings[v.ingress]
	for _, k := range []struct {
		kind    kind
		outcome reach.Outcome
	}{{denied, reach.Unreachable}, {unclear, reach.Error}} {
		for _, r := range []ruling{egress, ingress} {
			if r.kind == k.kind {
				return finding{k.outcome, fmt.Sprintf("%s to %s from %s", r.text, dst, src.name), r.text}
			}
		}
	}
	return finding{outcome: reach.Reachable, reason: both(egress.text, ingress.text)}
}

func both(egress, ingress string) string {
	switch {
	case egress == "" && ingress == "":
		return "no policy applies"
	case egress == "" || egress == ingress:
		return ingress
	case ingress == "":
		return egress
	}
	return egress + "; " + ingress
}
