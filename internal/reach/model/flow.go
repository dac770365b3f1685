package model

import (
	"net/netip"

	"github.com/stagegate/stagegate/internal/reach/topology"
)

// verdict is the rulings of both directions of a flow.
type verdict struct{ egress, ingress rulingID }

type flowKey struct {
	source *class
	target *target
	near   near
}

// near is how two ends are related beyond their classes.
type near uint8

const (
	apart    near = iota
	fromNode      // the source is the target's own node
	toNode        // the target is the source's own node
	same          // one pod
)

// relation tells how two pods are related; either may be nil.
func relation(src, dst *topology.Pod) near {
	switch {
	case src == nil || dst == nil:
		return apart
	case src == dst:
		return same
	case src.Node == "" || src.Node != dst.Node || src.HostNetwork == dst.HostNetwork:
		return apart
	case src.HostNetwork:
		return fromNode
	}
	return toNode
}

// judge decides a flow, each combination of classes once.
func (m *Model) judge(src *class, t *target, n near) verdict {
	key := flowKey{src, t, n}
	v, ok := m.memo[key]
	if !ok {
		v = m.evaluate(src, t, n)
		m.memo[key] = v
	}
	return v
}

func (m *Model) evaluate(src *class, t *target, n near) verdict {
	if n == same {
		return verdict{itself, itself}
	}
	v := verdict{egress: m.decide(m.egress(src, n == toNode), t.class, t), ingress: nodeLocal}
	if n != fromNode {
		v.ingress = m.decide(t.ingress, src, t)
	}
	return v
}

// family picks the addresses that two ends use: the target's first one of a version that
// the source has too. An end without any address yet goes with every version.
func family(src, dst []netip.Addr) (from, to netip.Addr, ok bool) {
	if len(src) == 0 {
		return netip.Addr{}, first(dst), true
	}
	if len(dst) == 0 {
		return first(src), netip.Addr{}, true
	}
	for _, to := range dst {
		for _, from := range src {
			if from.Is4() == to.Is4() {
				return from, to, true
			}
		}
	}
	return netip.Addr{}, netip.Addr{}, false
}

func first(list []netip.Addr) netip.Addr {
	if len(list) == 0 {
		return netip.Addr{}
	}
	return list[0]
}
