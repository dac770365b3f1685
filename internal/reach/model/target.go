package model

import (
	"github.com/stagegate/stagegate/internal/reach/model/policy"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// target is one port of the pods of a class.
type target struct {
	id       int
	class    *class
	port     uint16
	protocol topology.Protocol
	ports    []policy.Tri // by port set; unset until asked for
	ingress  *chain
}

type targetKey struct {
	class    *class
	port     uint16
	protocol topology.Protocol
}

func (m *Model) target(c *class, port uint16, protocol topology.Protocol) *target {
	key := targetKey{c, port, protocol}
	t, ok := m.targets[key]
	if !ok {
		t = &target{id: len(m.targets), class: c, port: port, protocol: protocol}
		t.ports = make([]policy.Tri, len(m.program.portSet))
		for i := range t.ports {
			t.ports[i] = unset
		}
		m.targets[key] = t
		t.ingress = m.chain(c, policy.Ingress, func(r *compiledRule) bool { return t.has(m.program, r.ports) }, false)
	}
	return t
}

// has tells whether a port set has the target's port, evaluated once.
func (t *target) has(p *program, set int) bool {
	if t.ports[set] == unset {
		t.ports[set] = policy.Of(p.portSet[set].Match(&t.class.party, t.port, t.protocol))
	}
	return t.ports[set] == policy.Yes
}

// egress is the chain of what a class sends, to its own node or to elsewhere.
func (m *Model) egress(c *class, ownNode bool) *chain {
	into := &c.egress
	if ownNode {
		into = &c.besideNode
	}
	if *into == nil {
		*into = m.chain(c, policy.Egress, nil, ownNode)
	}
	return *into
}
