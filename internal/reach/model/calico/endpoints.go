package calico

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/reach/model/policy"
	"github.com/stagegate/stagegate/internal/reach/model/selector"
)

// criteria select endpoints and network sets by labels, as texts.
type criteria struct {
	namespace                           string // of the policy; empty where it is global
	selector, not, namespaces, accounts string
	accountNames                        []string
	fields                              fields
}

type fields struct{ selector, not, namespaces, accounts string }

// restrictive tells whether there is any criterion.
func (c criteria) restrictive() bool {
	return c.selector != "" || c.not != "" || c.namespaces != "" || c.accounts != "" || len(c.accountNames) > 0
}

// expr is the criteria of a rule. A notSelector on its own, in a global policy, excludes
// endpoints and selects everything else, addresses outside included; with any other
// criterion only endpoints and network sets are selected.
func (c criteria) expr(sets []networkSet) (policy.Expr, error) {
	if c.namespace == "" && c.selector == "" && c.namespaces == "" && c.accounts == "" && len(c.accountNames) == 0 {
		c.selector, c.not, c.fields.selector = c.not, "", c.fields.not
		e, err := newEndpoints(c, sets)
		return policy.Not{Expr: e}, err
	}
	return newEndpoints(c, sets)
}

// endpoints selects pods, and the addresses of the network sets with matching labels.
type endpoints struct {
	namespace    string // where not empty, and namespaces is nil: of this namespace
	selector     *selector.Selector
	not          *selector.Selector // nil: nothing excluded
	namespaces   *selector.Selector // nil: see namespace
	accounts     *selector.Selector
	accountNames []string // nil: any
	nets         []policy.Net
}

func newEndpoints(c criteria, sets []networkSet) (*endpoints, error) {
	var problems []error
	parse := func(field, text string) *selector.Selector {
		s, err := selector.Parse(text)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", field, err))
		}
		return s
	}
	e := &endpoints{
		namespace: c.namespace, accountNames: c.accountNames,
		selector: parse(c.fields.selector, c.selector), accounts: parse(c.fields.accounts, c.accounts),
	}
	if c.not != "" {
		e.not = parse(c.fields.not, c.not)
	}
	if c.namespaces != "" {
		if e.namespaces = parse(c.fields.namespaces, c.namespaces); e.namespaces != nil {
			e.namespaces = e.namespaces.Namespaced()
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	if e.selector.Global() || e.not != nil && e.not.Global() {
		return nil, fmt.Errorf("%s: global() is for the namespaceSelector of rules only", c.fields.selector)
	}
	for _, s := range sets {
		if e.has(s.view) {
			e.nets = append(e.nets, s.nets...)
		}
	}
	return e, nil
}

func (e *endpoints) global() bool { return e.namespaces != nil && e.namespaces.Global() }

// has evaluates the criteria on the labels of a pod or network set.
func (e *endpoints) has(v view) bool {
	return e.hasNamespace(v) &&
		e.selector.Matches(v) && (e.not == nil || !e.not.Matches(v)) &&
		e.accounts.Matches(prefixed{accountPrefix, v}) &&
		(len(e.accountNames) == 0 || e.hasAccount(v))
}

func (e *endpoints) hasNamespace(v view) bool {
	if e.namespaces != nil {
		return e.namespaces.Matches(prefixed{namespacePrefix, v})
	}
	if e.namespace == "" {
		return true
	}
	name, _ := v.Get(selector.NamespaceLabel)
	return name == e.namespace
}

func (e *endpoints) hasAccount(v view) bool {
	name, ok := v.Get(accountLabel)
	return ok && slices.Contains(e.accountNames, name)
}

// Match implements policy.Expr.
func (e *endpoints) Match(p *policy.Party) policy.Tri {
	if p.Workload() && e.has(podView(p)) {
		return policy.Yes
	}
	out := policy.No
	for _, n := range e.nets {
		out = max(out, n.Match(p))
	}
	return out
}

// Key implements policy.Expr.
func (e *endpoints) Key() string {
	var b strings.Builder
	fmt.Fprintf(&b, "calico(%q %s %q %v", e.namespace, e.selector, e.accountNames, e.nets)
	for _, s := range []*selector.Selector{e.not, e.namespaces, e.accounts} {
		if s != nil {
			b.WriteString(s.String())
		}
		b.WriteByte(';')
	}
	return b.String() + ")"
}

// Collect implements policy.Expr.
func (e *endpoints) Collect(u *policy.Uses) {
	e.selector.Keys(func(k string) { collect(u, k) })
	e.accounts.Keys(func(k string) { collect(u, accountPrefix+k) })
	if e.not != nil {
		e.not.Keys(func(k string) { collect(u, k) })
	}
	switch {
	case e.namespaces != nil:
		e.namespaces.Keys(func(k string) { collect(u, namespacePrefix+k) })
	case e.namespace != "":
		u.Namespaces[e.namespace] = true
	}
	if len(e.accountNames) > 0 {
		u.ServiceAccountNames = true
	}
	for _, n := range e.nets {
		n.Collect(u)
	}
}

// networkSet is a NetworkSet or GlobalNetworkSet.
type networkSet struct {
	view view
	nets []policy.Net
}

func prefixNets(list []netip.Prefix) []policy.Net {
	out := make([]policy.Net, len(list))
	for i, p := range list {
		out[i] = policy.Net{Prefix: p}
	}
	return out
}
