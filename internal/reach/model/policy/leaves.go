package policy

import (
	"fmt"
	"net/netip"
	"strconv"

	"k8s.io/apimachinery/pkg/labels"
)

// Pods selects pods by their labels, in one namespace (InNamespace) or in those whose
// labels match (Namespaces). Host-network pods are never selected.
type Pods struct {
	InNamespace string
	Namespaces  labels.Selector // nil with InNamespace
	Pods        labels.Selector
}

// Match implements Expr.
func (s Pods) Match(p *Party) Tri {
	if !p.Workload() {
		return No
	}
	if s.Namespaces == nil {
		if p.Pod.Namespace != s.InNamespace {
			return No
		}
	} else if !s.Namespaces.Matches(labels.Set(p.Namespace.Labels)) {
		return No
	}
	return Of(s.Pods.Matches(labels.Set(p.Pod.Labels)))
}

// Key implements Expr.
func (s Pods) Key() string {
	if s.Namespaces == nil {
		return "pods(" + s.InNamespace + "," + s.Pods.String() + ")"
	}
	return "pods({" + s.Namespaces.String() + "}," + s.Pods.String() + ")"
}

// Collect implements Expr.
func (s Pods) Collect(u *Uses) {
	collectKeys(s.Pods, u.Labels)
	if s.Namespaces == nil {
		u.Namespaces[s.InNamespace] = true
		return
	}
	collectKeys(s.Namespaces, u.NamespaceLabels)
}

func collectKeys(s labels.Selector, into map[string]bool) {
	requirements, _ := s.Requirements()
	for _, r := range requirements {
		into[r.Key()] = true
	}
}

// Net selects addresses. An address that is not known yet may be in any network but the
// one that has all addresses.
type Net struct{ netip.Prefix }

// Match implements Expr.
func (n Net) Match(p *Party) Tri {
	switch {
	case p.Addr.IsValid():
		return Of(n.Contains(p.Addr))
	case n.Bits() == 0:
		return Yes
	}
	return Maybe
}

// Key implements Expr.
func (n Net) Key() string { return n.String() }

// Collect implements Expr.
func (n Net) Collect(u *Uses) { u.Nets[n.Prefix] = true }

// IPVersion selects addresses of IP version 4 or 6.
type IPVersion int

// Match implements Expr.
func (v IPVersion) Match(p *Party) Tri {
	if !p.Addr.IsValid() {
		return Maybe
	}
	return Of(p.Addr.Is4() == (v == 4))
}

// Key implements Expr.
func (v IPVersion) Key() string { return "ipv" + strconv.Itoa(int(v)) }

// Collect implements Expr: classes never mix IP versions.
func (v IPVersion) Collect(*Uses) {}

// Nodes selects the addresses of nodes by the nodes' labels.
type Nodes struct{ labels.Selector }

// Match implements Expr.
func (n Nodes) Match(p *Party) Tri {
	return Of(p.Node != nil && n.Matches(labels.Set(p.Node.Labels)))
}

// Key implements Expr.
func (n Nodes) Key() string { return "nodes(" + n.String() + ")" }

// Collect implements Expr: classes never mix nodes.
func (n Nodes) Collect(*Uses) {}

// Domains selects what some domain name resolves to. Which addresses those are is not
// known; pods are taken to have no such name.
type Domains struct{}

// Match implements Expr.
func (Domains) Match(p *Party) Tri {
	if p.Pod != nil {
		return No
	}
	return Maybe
}

// Key implements Expr.
func (Domains) Key() string { return "domains" }

// Collect implements Expr.
func (Domains) Collect(*Uses) {}

// Fixed is the same for every party: what depends on neither end.
type Fixed struct{ Tri }

// Match implements Expr.
func (f Fixed) Match(*Party) Tri { return f.Tri }

// Key implements Expr.
func (f Fixed) Key() string { return fmt.Sprintf("fixed%d", f.Tri) }

// Collect implements Expr.
func (f Fixed) Collect(*Uses) {}

// Serving selects the endpoints of a Service, on whatever port.
type Serving struct{ Namespace, Name string }

// Match implements Expr.
func (s Serving) Match(p *Party) Tri {
	for _, e := range p.Serves {
		if e.Namespace == s.Namespace && e.Name == s.Name {
			return Yes
		}
	}
	return No
}

// Key implements Expr.
func (s Serving) Key() string { return "serving(" + s.Namespace + "/" + s.Name + ")" }

// Collect implements Expr.
func (s Serving) Collect(u *Uses) { u.Services[[2]string{s.Namespace, s.Name}] = true }
