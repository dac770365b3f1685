package policy

import "strings"

// Expr selects parties.
type Expr interface {
	Match(p *Party) Tri
	// Key is equal for two expressions only if they select the same parties.
	Key() string
	// Collect adds what the expression looks at.
	Collect(u *Uses)
}

// Any selects every party.
type Any struct{}

// Match implements Expr.
func (Any) Match(*Party) Tri { return Yes }

// Key implements Expr.
func (Any) Key() string { return "any" }

// Collect implements Expr.
func (Any) Collect(*Uses) {}

// And selects what all of its expressions select; with none, everything.
type And []Expr

// Match implements Expr.
func (a And) Match(p *Party) Tri {
	out := Yes
	for _, e := range a {
		if out = min(out, e.Match(p)); out == No {
			return No
		}
	}
	return out
}

// Key implements Expr.
func (a And) Key() string { return "and(" + keys(a) + ")" }

// Collect implements Expr.
func (a And) Collect(u *Uses) { collect(a, u) }

// Or selects what any of its expressions selects; with none, nothing.
type Or []Expr

// Match implements Expr.
func (o Or) Match(p *Party) Tri {
	out := No
	for _, e := range o {
		if out = max(out, e.Match(p)); out == Yes {
			return Yes
		}
	}
	return out
}

// Key implements Expr.
func (o Or) Key() string { return "or(" + keys(o) + ")" }

// Collect implements Expr.
func (o Or) Collect(u *Uses) { collect(o, u) }

// Not selects what its expression does not.
type Not struct{ Expr }

// Match implements Expr.
func (n Not) Match(p *Party) Tri { return n.Expr.Match(p).Not() }

// Key implements Expr.
func (n Not) Key() string { return "not(" + n.Expr.Key() + ")" }

func keys(list []Expr) string {
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = e.Key()
	}
	return strings.Join(out, ";")
}

func collect(list []Expr, u *Uses) {
	for _, e := range list {
		e.Collect(u)
	}
}
