package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/reach"
)

// cause is one reason, or what several have in common, and the edges that share it.
type cause struct {
	reason  string
	example string // the whole reason of the first edge, where it says more
	edges   []reach.Edge
}

// causes groups changed edges by what their reasons share: the cause with most edges first.
func causes(changes []reach.Change) []cause {
	groups := map[string][]reach.Change{}
	for _, c := range changes {
		reason := cmp.Or(c.Cause, c.Reason, "no reason was given")
		groups[reason] = append(groups[reason], c)
	}
	out := make([]cause, 0, len(groups))
	for reason, list := range groups {
		slices.SortFunc(list, publishedFirst)
		c := cause{reason: reason}
		if list[0].Cause != "" && list[0].Reason != reason {
			c.example = list[0].Reason
		}
		for _, l := range list {
			c.edges = append(c.edges, l.Edge)
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b cause) int {
		return cmp.Or(cmp.Compare(len(b.edges), len(a.edges)), cmp.Compare(a.reason, b.reason))
	})
	return out
}

// publishedFirst puts the edges from outside before the others: those are what customers use.
func publishedFirst(a, b reach.Change) int {
	inside := func(c reach.Change) int {
		if c.From == reach.External {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(inside(a), inside(b)), a.Edge.Compare(b.Edge))
}

// section is a list of changed edges under a title, such as "lost".
type section struct {
	title   string
	changes []reach.Change
}

// sections are the differences that a reader must see, worst first. What a finding of the
// gate says already is left to it, but for lost edges: those are what all this is about.
func sections(e Environment) []section {
	found := map[reach.Edge]bool{}
	for _, f := range e.Decision.Findings {
		if f.Edge != nil {
			found[*f.Edge] = true
		}
	}
	unsaid := func(list []reach.Change) []reach.Change {
		return slices.DeleteFunc(slices.Clone(list), func(c reach.Change) bool { return found[c.Edge] })
	}
	lost, meant := lostOf(e)
	all := []section{
		{"lost", lost},
		{"unclear", unsaid(e.Difference.Unclear)},
		{"newly opened", unsaid(e.Difference.Opened)},
		{"gone with their objects", unsaid(e.Difference.Gone)},
		{"new, and not reachable", unsaid(newlyBroken(e.Difference.Appeared))},
		{"closed, as the checks declare", meant},
	}
	return slices.DeleteFunc(all, func(s section) bool { return len(s.changes) == 0 })
}

// lostOf parts the edges that are reachable no more: lost, or meant to be unreachable.
func lostOf(e Environment) (lost, meant []reach.Change) {
	closed := map[reach.Edge]bool{}
	for _, x := range e.Expectations {
		if x.Want == reach.Unreachable {
			closed[x.Edge] = true
		}
	}
	for _, c := range e.Difference.Lost {
		if closed[c.Edge] {
			meant = append(meant, c)
		} else {
			lost = append(lost, c)
		}
	}
	return lost, meant
}

// newlyBroken leaves out the new edges that work: those need nobody's attention.
func newlyBroken(appeared []reach.Change) []reach.Change {
	var out []reach.Change
	for _, c := range appeared {
		if c.After != reach.Reachable {
			c.Cause = c.After.String() + ": " + cmp.Or(c.Cause, c.Reason)
			out = append(out, c)
		}
	}
	return out
}

// judgement is findings that say the same of several edges, or of none.
type judgement struct {
	gate.Finding
	edges []reach.Edge
}

// judgements are the findings in the gate's order, less those of lost edges, which have a
// section of their own.
func judgements(e Environment) []judgement {
	lost, _ := lostOf(e)
	shown := changes(lost)
	type key struct {
		verdict       gate.Verdict
		rule, message string
	}
	index := map[key]int{}
	var out []judgement
	for _, f := range e.Decision.Findings {
		if f.Edge != nil && f.Rule == gate.RuleLost {
			if _, ok := shown[*f.Edge]; ok {
				continue
			}
		}
		k := key{f.Verdict, f.Rule, f.Message}
		i, ok := index[k]
		if !ok {
			i = len(out)
			index[k] = i
			out = append(out, judgement{Finding: f})
		}
		if f.Edge != nil {
			out[i].edges = append(out[i].edges, *f.Edge)
		}
	}
	return out
}

// text is the rule and what it says, and of how many edges.
func (j judgement) text() string {
	if len(j.edges) > 1 {
		return fmt.Sprintf("%s, %d edges: %s", j.Rule, len(j.edges), j.Message)
	}
	return j.Rule + ": " + j.Message
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
