package model

import "github.com/stagegate/stagegate/internal/reach/model/policy"

// program is all policies with their expressions numbered, equal ones once.
type program struct {
	tiers   []*compiledTier
	exprs   []policy.Expr
	uses    *policy.Uses
	rulings []ruling // see ruling.go
	ends    map[string]rulingID
	portSet []*policy.PortSet
}

type compiledTier struct {
	*policy.Tier
	policies []*compiledPolicy
}

type compiledPolicy struct {
	*policy.Policy
	subject int // expression
	rules   [2][]compiledRule
}

type compiledRule struct {
	policy.Rule
	own, peer int // expressions: of the side that the policy selects, and of the other
	ports     int // index of portSet
	decided   rulingID
	unclear   rulingID
}

func compile(tiers []*policy.Tier) *program {
	p := &program{uses: policy.NewUses(), rulings: fixedRulings(), ends: map[string]rulingID{}}
	numbers := map[string]int{}
	number := func(e policy.Expr) int {
		key := e.Key()
		n, ok := numbers[key]
		if !ok {
			n = len(p.exprs)
			numbers[key] = n
			p.exprs = append(p.exprs, e)
			e.Collect(p.uses)
		}
		return n
	}
	for _, t := range tiers {
		ct := &compiledTier{Tier: t}
		for _, pol := range t.Policies {
			cp := &compiledPolicy{Policy: pol, subject: number(pol.Subject)}
			for _, d := range []policy.Direction{policy.Ingress, policy.Egress} {
				for _, r := range pol.Rules[d] {
					cp.rules[d] = append(cp.rules[d], p.rule(pol, d, r, number))
				}
			}
			ct.policies = append(ct.policies, cp)
		}
		p.tiers = append(p.tiers, ct)
	}
	return p
}

func (p *program) rule(pol *policy.Policy, d policy.Direction, r policy.Rule, number func(policy.Expr) int) compiledRule {
	out := compiledRule{Rule: r, own: number(r.Destination), peer: number(r.Source), ports: len(p.portSet)}
	if d == policy.Egress {
		out.own, out.peer = out.peer, out.own
	}
	if s := r.Ports.Service; s != nil {
		s.Collect(p.uses)
	}
	p.portSet = append(p.portSet, r.Ports)
	out.decided = p.ruling(ruleRuling(pol, d, r))
	out.unclear = p.ruling(unclearRuling(pol, d, r))
	return out
}

func (p *program) ruling(r ruling) rulingID {
	p.rulings = append(p.rulings, r)
	return rulingID(len(p.rulings) - 1) //nolint:gosec // memory ends long before 2^31 rulings
}
