package gate

import (
	"fmt"
	"slices"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/reach"
)

// observation is all that is known of one edge. Before and after are nil where a matrix
// does not have it.
type observation struct {
	edge          reach.Edge
	want          reach.Outcome
	conflict      bool
	before, after *reach.Result
}

// edges applies the rules for single edges to every edge that was expected or seen.
func (f Findings) edges(policy Policy) []Finding {
	var out []Finding
	for _, o := range f.observations() {
		verdict, rule, message := o.decide(policy)
		if rule != "" {
			out = append(out, Finding{Verdict: verdict, Rule: rule, Edge: &o.edge, Message: message})
		}
	}
	return out
}

// Lost tells whether an edge that was reachable, and is not meant to be unreachable, is so
// after the change.
func (f Findings) Lost() bool {
	return slices.ContainsFunc(f.observations(), func(o *observation) bool {
		return o.was(reach.Reachable) && o.want != reach.Unreachable && o.after != nil && o.after.Outcome == reach.Unreachable
	})
}

func (f Findings) observations() []*observation {
	byEdge := map[reach.Edge]*observation{}
	at := func(e reach.Edge) *observation {
		if byEdge[e] == nil {
			byEdge[e] = &observation{edge: e}
		}
		return byEdge[e]
	}
	for _, e := range f.Expectations {
		at(e.Edge).expect(e.Want)
	}
	for _, r := range f.Baseline.Edges {
		o := at(r.Edge)
		o.before = merged(o.before, r)
	}
	for _, r := range f.After.Edges {
		o := at(r.Edge)
		o.after = merged(o.after, r)
	}
	all := make([]*observation, 0, len(byEdge))
	for _, o := range byEdge {
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b *observation) int { return a.edge.Compare(b.edge) })
	return all
}

// expect notes an expectation. A declared one overrides one that was discovered.
func (o *observation) expect(want reach.Outcome) {
	known := want == reach.Unknown || isClear(want)
	o.conflict = o.conflict || !known || o.want != reach.Unknown && want != reach.Unknown && o.want != want
	if want != reach.Unknown {
		o.want = want
	}
}

// merged is one result for an edge: two that differ are an error.
func merged(first *reach.Result, r reach.Result) *reach.Result {
	if first != nil && first.Outcome != r.Outcome {
		r.Outcome, r.Reason = reach.Error, fmt.Sprintf("there are two results: %s and %s", first.Outcome, r.Outcome)
	}
	return &r
}

func isClear(o reach.Outcome) bool { return o == reach.Reachable || o == reach.Unreachable }

func (o *observation) was(outcome reach.Outcome) bool {
	return o.before != nil && o.before.Outcome == outcome
}

// decide applies the first rule that fits. An empty rule is a good edge.
func (o *observation) decide(policy Policy) (Verdict, string, string) {
	switch {
	case o.conflict:
		return Inconclusive, RuleConflict, "its expectations contradict each other: keep one of them"
	case o.after == nil:
		return o.missing()
	case !isClear(o.after.Outcome):
		return Inconclusive, RuleUnclear, fmt.Sprintf("%s after the change: %s", o.after.Outcome, reason(o.after))
	case o.before != nil && !isClear(o.before.Outcome):
		return Inconclusive, RuleUnclear, fmt.Sprintf("%s before the change, so nothing can be compared: %s", o.before.Outcome, reason(o.before))
	case o.want == reach.Unknown:
		return o.discovered(policy.OnNewEdges)
	case o.want != o.after.Outcome:
		return o.missed()
	}
	return Pass, "", ""
}

// missing decides on an edge without a result after the change. A discovered edge whose
// objects are gone was somebody's way to the service: it blocks until it is excluded. One
// that did not work has nothing to lose.
func (o *observation) missing() (Verdict, string, string) {
	switch {
	case o.want != reach.Unknown || o.before == nil:
		return Inconclusive, RuleIncomplete, "there is no result after the change: probe it again"
	case o.was(reach.Reachable):
		return Blocked, RuleGone, "reachable before the change, and what served it is no longer there: if that is meant, add the edge to discover.exclude in the checks file"
	case o.was(reach.Unreachable):
		return Pass, "", ""
	}
	return Inconclusive, RuleUnclear, fmt.Sprintf("%s before the change, and no longer there: %s", o.before.Outcome, reason(o.before))
}

// missed decides on a declared edge that is not as declared.
func (o *observation) missed() (Verdict, string, string) {
	switch {
	case o.was(o.after.Outcome):
		return Pass, RuleAlreadyBroken, fmt.Sprintf("declared %s, but %s before the change as after it: %s", o.want, o.after.Outcome, reason(o.after))
	case o.was(reach.Reachable):
		return Blocked, RuleLost, "reachable before the change, not now: " + reason(o.after)
	}
	return Blocked, RuleExpectation, fmt.Sprintf("declared %s, but %s after the change: %s", o.want, o.after.Outcome, reason(o.after))
}

// discovered decides on an edge that nobody declared: only the difference counts.
func (o *observation) discovered(onNew config.NewEdges) (Verdict, string, string) {
	reachable := o.after.Outcome == reach.Reachable
	switch {
	case o.was(o.after.Outcome):
		return Pass, "", ""
	case o.before == nil && !reachable:
		return Blocked, RuleNewBroken, "new with this change, and unreachable: " + reason(o.after)
	case !reachable:
		return Blocked, RuleLost, "reachable before the change, not now: " + reason(o.after)
	case onNew == config.IgnoreNewEdges:
		return Pass, "", ""
	}
	verdict := Blocked // also where the policy says nothing
	if onNew == config.WarnNewEdges {
		verdict = Pass
	}
	if o.before == nil {
		return verdict, RuleNew, "new with this change, and reachable: declare it in the checks file if it is meant"
	}
	return verdict, RuleOpened, "unreachable before the change, reachable now: declare it in the checks file if it is meant"
}

func reason(r *reach.Result) string {
	if r.Reason == "" {
		return "no reason is known"
	}
	return r.Reason
}
