package report

import (
	"cmp"
	"fmt"

	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/reach"
)

func environmentSuites(e Environment) []junitSuite {
	x := newExpected(e)
	var edges, rules, steps []junitCase
	for _, expectation := range e.Expectations {
		edges = append(edges, x.test(expectation))
	}
	for _, f := range x.general {
		rules = append(rules, findingCase(e, f))
	}
	if e.Reverted != nil {
		rules = append(rules, revertCases(e, *e.Reverted)...)
	}
	for _, s := range e.Steps {
		steps = append(steps, stepCase(e, s))
	}
	all := []junitSuite{
		newSuite(e.Name+": reachability ("+gradeOf(e.Grade)+")", edges),
		newSuite(e.Name+": gate", rules),
		newSuite(e.Name+": steps", steps),
	}
	var out []junitSuite
	for _, s := range all {
		if s.Tests > 0 {
			out = append(out, s)
		}
	}
	return out
}

// expected answers what became of each expectation of an environment.
type expected struct {
	environment   Environment
	before, after map[reach.Edge]reach.Result
	lost, gone    map[reach.Edge]reach.Change
	findings      map[reach.Edge]gate.Finding // the worst of each edge
	general       []gate.Finding              // of no expected edge
}

func newExpected(e Environment) expected {
	lost, _ := lostOf(e)
	x := expected{
		environment: e, lost: changes(lost), before: results(e.Baseline), after: results(e.After),
		gone: changes(e.Difference.Gone), findings: map[reach.Edge]gate.Finding{},
	}
	edges := map[reach.Edge]bool{}
	for _, expectation := range e.Expectations {
		edges[expectation.Edge] = true
	}
	for _, f := range e.Decision.Findings {
		if f.Edge == nil || !edges[*f.Edge] {
			x.general = append(x.general, f)
		} else if known, ok := x.findings[*f.Edge]; !ok || gate.Worst(f.Verdict, known.Verdict) != known.Verdict {
			x.findings[*f.Edge] = f
		}
	}
	return x
}

func results(m reach.Matrix) map[reach.Edge]reach.Result {
	out := make(map[reach.Edge]reach.Result, len(m.Edges))
	for _, r := range m.Edges {
		out[r.Edge] = r
	}
	return out
}

func changes(list []reach.Change) map[reach.Edge]reach.Change {
	out := make(map[reach.Edge]reach.Change, len(list))
	for _, c := range list {
		out[c.Edge] = c
	}
	return out
}

// test is one expectation as a test case. A finding of the gate decides first; an edge
// that was as it is before the change is skipped: not the change's fault, and no success.
func (x expected) test(e reach.Expectation) junitCase {
	name := e.Edge.String()
	if e.Name != "" {
		name = e.Name + ": " + name
	}
	c := junitCase{Class: "stagegate." + x.environment.Name + ".reachability", Name: name}
	if f, ok := x.findings[e.Edge]; ok && f.Verdict == gate.Blocked {
		return c.fail(f.Rule, f.Message)
	} else if ok && f.Verdict == gate.Inconclusive {
		return c.error(f.Rule, f.Message)
	}
	if lost, ok := x.lost[e.Edge]; ok {
		return c.fail(gate.RuleLost, cmp.Or(lost.Reason, "no reason was given"))
	}
	after, ok := x.after[e.Edge]
	switch {
	case ok:
		return x.outcome(c, e, after)
	case len(x.after) == 0:
		return c.skip("not run")
	}
	if _, gone := x.gone[e.Edge]; gone {
		return c.skip("its objects are gone")
	}
	return c.error("no-outcome", "the edge was expected and not probed")
}

func (x expected) outcome(c junitCase, e reach.Expectation, after reach.Result) junitCase {
	want := cmp.Or(e.Want, reach.Reachable)
	switch before, known := x.before[e.Edge]; {
	case after.Outcome == want:
		return c
	case after.Outcome != reach.Reachable && after.Outcome != reach.Unreachable:
		return c.error(after.Outcome.String(), after.Reason)
	case known && before.Outcome == after.Outcome:
		return c.skip("already " + after.Outcome.String() + " before the change: " + after.Reason)
	}
	return c.fail(after.Outcome.String(), fmt.Sprintf("wanted %s: %s", want, after.Reason))
}

// findingName names the edge where there is one: test cases must differ.
func findingName(f gate.Finding) string {
	if f.Edge == nil {
		return f.Rule + ": " + f.Message
	}
	return f.Rule + ": " + f.Edge.String()
}

func findingCase(e Environment, f gate.Finding) junitCase {
	c := junitCase{Class: "stagegate." + e.Name + ".gate", Name: findingName(f)}
	switch f.Verdict {
	case gate.Pass:
		return c
	case gate.Blocked:
		return c.fail(f.Rule, f.Message)
	}
	return c.error(f.Rule, f.Message)
}

func stepCase(e Environment, s Step) junitCase {
	c := junitCase{Class: "stagegate." + e.Name + ".steps", Name: s.Name, Time: fmt.Sprintf("%.3f", s.Duration.Seconds())}
	switch s.Outcome {
	case Done:
		return c
	case Failed:
		return c.fail(Failed, s.Detail)
	case Skipped:
		return c.skip(s.Detail)
	}
	return c.error("outcome", stepDetail(s))
}

func revertCases(e Environment, r Revert) []junitCase {
	class := "stagegate." + e.Name + ".revert"
	all := junitCase{Class: class, Name: "everything is restored"}
	if !r.Restored {
		all = all.fail("revert-incomplete", fmt.Sprintf("%s left behind, %s of the baseline not back",
			count(len(r.Left), "object"), count(len(r.Missing), "edge")))
	}
	out := []junitCase{all}
	for _, l := range r.Left {
		out = append(out, junitCase{Class: class, Name: leftName(l)}.fail("left-behind", l.Why))
	}
	for _, m := range r.Missing {
		out = append(out, junitCase{Class: class, Name: m.Edge.String()}.fail("not-back", m.Reason))
	}
	return out
}
