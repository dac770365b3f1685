package report

import (
	"cmp"
	"slices"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/reach"
)

// cause is one reason and the edges that share it.
type cause struct {
	reason string
	edges  []reach.Edge
}

// causes groups changed edges by reason: the reason with most edges first.
func causes(changes []reach.Change) []cause {
	edges := map[string][]reach.Edge{}
	for _, c := range changes {
		reason := cmp.Or(c.Reason, "no reason was given")
		edges[reason] = append(edges[reason], c.Edge)
	}
	out := make([]cause, 0, len(edges))
	for reason, list := range edges {
		slices.SortFunc(list, reach.Edge.Compare)
		out = append(out, cause{reason, list})
	}
	slices.SortFunc(out, func(a, b cause) int {
		return cmp.Or(cmp.Compare(len(b.edges), len(a.edges)), cmp.Compare(a.reason, b.reason))
	})
	return out
}

// section is a list of changed edges under a title, such as "lost".
type section struct {
	title   string
	changes []reach.Change
}

// sections are the parts of a difference that a reader must see, worst first.
func sections(d reach.Difference) []section {
	all := []section{
		{"lost", d.Lost},
		{"unclear", d.Unclear},
		{"newly opened", d.Opened},
		{"gone with their objects", d.Gone},
		{"new, and not reachable", newlyBroken(d.Appeared)},
	}
	return slices.DeleteFunc(all, func(s section) bool { return len(s.changes) == 0 })
}

// newlyBroken leaves out the new edges that work: those need nobody's attention.
func newlyBroken(appeared []reach.Change) []reach.Change {
	var out []reach.Change
	for _, c := range appeared {
		if c.After != reach.Reachable {
			c.Reason = c.After.String() + ": " + c.Reason
			out = append(out, c)
		}
	}
	return out
}

// otherFindings are the findings that no list of lost edges shows already.
func otherFindings(e Environment) []gate.Finding {
	lost := make(map[reach.Edge]bool, len(e.Difference.Lost))
	for _, c := range e.Difference.Lost {
		lost[c.Edge] = true
	}
	var out []gate.Finding
	for _, f := range e.Decision.Findings {
		if f.Edge == nil || f.Rule != "lost-edge" || !lost[*f.Edge] {
			out = append(out, f)
		}
	}
	return out
}

// risky is one kind of high risk and how many items of a plan have it.
type risky struct {
	risk  change.Risk
	items int
}

func risksOf(set change.Set) []risky {
	n := map[change.Risk]int{}
	for _, item := range set.Items {
		if item.Action == change.Keep {
			continue
		}
		for _, r := range item.Risks {
			n[r]++
		}
	}
	out := make([]risky, 0, len(n))
	for r, items := range n {
		out = append(out, risky{r, items})
	}
	slices.SortFunc(out, func(a, b risky) int { return cmp.Compare(a.risk, b.risk) })
	return out
}

// cut is the first limit elements and how many were left out. A negative limit cuts nothing.
func cut[T any](list []T, limit int) ([]T, int) {
	if limit < 0 || len(list) <= limit {
		return list, 0
	}
	return list[:limit], len(list) - limit
}
