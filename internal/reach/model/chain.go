package model

import (
	"encoding/binary"

	"github.com/stagegate/stagegate/internal/reach/model/policy"
)

// link is one step of a chain: a rule that can match, or the end of a tier.
type link struct {
	rule    *compiledRule // nil at the end of a tier
	certain policy.Tri    // how surely the rule matches on the side of the pod itself
	ruling  rulingID      // at the end of a tier
	next    int           // where a Pass goes on
}

// chain is everything that decides one direction of the flows of a class, in order. Equal
// chains are one value.
type chain struct {
	links []link
	last  rulingID // where no link decides
}

// portFilter tells whether a rule has the destination port, where that is known while the
// chain is made: for ingress.
type portFilter func(*compiledRule) bool

// chain makes the chain of a class in one direction. With besideNode, policies that spare
// the pod's own node are left out.
func (m *Model) chain(c *class, d policy.Direction, ports portFilter, besideNode bool) *chain {
	out := &chain{last: unselected}
	if c.party.Workload() {
		for _, t := range m.program.tiers {
			m.addTier(out, c, t, d, ports, besideNode)
		}
	}
	key := out.key()
	if known, ok := m.chains[key]; ok {
		return known
	}
	m.chains[key] = out
	return out
}

func (m *Model) addTier(out *chain, c *class, t *compiledTier, d policy.Direction, ports portFilter, besideNode bool) {
	var names []string
	plain := true
	first := len(out.links)
	for _, p := range t.policies {
		if !p.Governs[d] || besideNode && p.SparesNode || c.match(m.program, p.subject) == policy.No {
			continue
		}
		names = append(names, p.Name)
		plain = plain && p.SparesNode
		for i := range p.rules[d] {
			r := &p.rules[d][i]
			if certain := c.match(m.program, r.own); certain != policy.No && (ports == nil || ports(r)) {
				out.links = append(out.links, link{rule: r, certain: certain})
			}
		}
	}
	if len(names) == 0 {
		return
	}
	out.last = undenied
	if !t.PassAtEnd {
		id := m.program.end(endRuling(t.Tier, names, d, plain))
		out.links = append(out.links, link{certain: policy.Yes, ruling: id})
	}
	for i := first; i < len(out.links); i++ {
		out.links[i].next = len(out.links)
	}
}

// key identifies the chain by its links.
func (c *chain) key() string {
	b := make([]byte, 0, 6*len(c.links)+4)
	b = binary.AppendVarint(b, int64(c.last))
	for _, l := range c.links {
		id := l.ruling
		if l.rule != nil {
			id = l.rule.decided
		}
		b = binary.AppendVarint(b, int64(id))
		b = append(b, byte(l.certain))
		b = binary.AppendVarint(b, int64(l.next))
	}
	return string(b)
}

// decide walks the chain. A rule that may or may not match leaves both ways open; if they
// end differently the ruling is that rule's "unclear".
func (m *Model) decide(c *chain, peer *class, t *target) rulingID {
	return m.walk(c, 0, peer, t)
}

func (m *Model) walk(c *chain, from int, peer *class, t *target) rulingID {
	for i := from; i < len(c.links); i++ {
		l := &c.links[i]
		if l.rule == nil {
			return l.ruling
		}
		certain := min(l.certain, peer.match(m.program, l.rule.peer))
		if certain == policy.No || !t.has(m.program, l.rule.ports) {
			continue
		}
		taken := l.rule.decided
		if l.rule.Action == policy.Pass {
			if certain == policy.Yes {
				i = l.next - 1
				continue
			}
			taken = m.walk(c, l.next, peer, t)
		}
		if certain == policy.Yes {
			return taken
		}
		return m.either(l.rule, taken, m.walk(c, i+1, peer, t))
	}
	return c.last
}

// either is the ruling where a rule may have been taken or not.
func (m *Model) either(r *compiledRule, taken, skipped rulingID) rulingID {
	a, b := m.program.rulings[taken].kind, m.program.rulings[skipped].kind
	switch {
	case a == unclear:
		return taken
	case a == b || b == unclear:
		return skipped
	}
	return r.unclear
}
