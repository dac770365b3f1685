// Package policy is the one form that every kind of network policy is brought into:
// tiers of ordered policies with ordered rules, evaluated first match first.
package policy

import (
	"cmp"
	"math"
	"slices"
)

// Direction is seen from the pod that a policy selects.
type Direction uint8

// The directions.
const (
	Ingress Direction = iota
	Egress
)

// String is the direction in a sentence.
func (d Direction) String() string {
	if d == Egress {
		return "egress"
	}
	return "ingress"
}

// Action is what a matching rule does. The zero value denies.
type Action uint8

// The actions. Pass goes on with the next tier.
const (
	Deny Action = iota
	Allow
	Pass
)

// Rule is one rule. Source and Destination are both given whatever the direction is.
type Rule struct {
	Action      Action
	Number      int // from 1, as written in its list
	Source      Expr
	Destination Expr
	Ports       *PortSet // never nil
}

// Policy is one policy object.
type Policy struct {
	Name    string  // as in reasons: "NetworkPolicy shop/web"
	Order   float64 // within the tier; +Inf where none is given
	Tie     string  // orders policies of equal Order
	Subject Expr    // the pods it applies to
	Governs [2]bool // by Direction
	Rules   [2][]Rule
	// SparesNode is true where traffic between a pod and its own node is never blocked by
	// this policy, as Kubernetes says of NetworkPolicy.
	SparesNode bool
	// Unmodelled is true where the rules only stand for what an engine may decide.
	Unmodelled bool
}

// Tier is a group of policies. Where a policy of the tier applies to a pod and no rule
// matches, the tier denies, or with PassAtEnd leaves it to the next tier.
type Tier struct {
	Name      string
	Order     float64
	PassAtEnd bool
	Policies  []*Policy
}

// The orders of the tiers that always exist, as Calico numbers them. They give the
// precedence of the Network Policy API: admin, then NetworkPolicy, then baseline.
const (
	AdminOrder    = 1_000
	DefaultOrder  = 1_000_000
	BaselineOrder = 10_000_000
)

// Unordered is the order of a policy or tier that has none: the last.
func Unordered() float64 { return math.Inf(1) }

// Sort puts tiers, and the policies in them, in the order of evaluation.
func Sort(tiers []*Tier) {
	slices.SortStableFunc(tiers, func(a, b *Tier) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Name, b.Name))
	})
	for _, t := range tiers {
		slices.SortStableFunc(t.Policies, func(a, b *Policy) int {
			return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Tie, b.Tie))
		})
	}
}
