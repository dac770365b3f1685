package gate

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/stagegate/stagegate/internal/reach"
)

// The rules that findings name.
const (
	RuleApply         = "apply"             // the change could not be applied
	RuleCheck         = "check"             // a check of another kind failed
	RulePlan          = "plan"              // the plan is not the one that was tested
	RuleLost          = "lost-edge"         // reachable before, not now
	RuleGone          = "gone-edge"         // reachable before, and no longer there
	RuleExpectation   = "expectation"       // a declared edge is not as declared
	RuleAlreadyBroken = "already-broken"    // the same, but so it was before the change
	RuleOpened        = "opened-edge"       // unreachable before, reachable now, not declared
	RuleNew           = "new-edge"          // not there before, reachable now, not declared
	RuleNewBroken     = "new-edge-broken"   // not there before, and unreachable
	RuleInterruption  = "interruption"      // down while the change was applied
	RuleUnclear       = "unclear"           // an outcome that could not be found out
	RuleIncomplete    = "incomplete"        // an expectation without a result
	RuleConflict      = "conflict"          // two expectations that cannot both be met
	RuleNoEdges       = "no-edges"          // nothing was checked
	RuleNothing       = "nothing-reachable" // nothing could have been lost
	RuleNoBaseline    = "no-baseline"       // nothing to compare with
	RuleRemark        = "remark"            // worth knowing
	RuleGrade         = "grade"             // found in a weaker way than is asked for
)

// Decide comes to a verdict. Every rule is applied, so that the findings are all there is
// to say; the worst of them decides, and nothing but their absence is a pass. Where nothing
// was probed after the change, no edge is judged: a missing matrix is not a lost edge.
func Decide(policy Policy, f Findings) Decision {
	findings := f.general()
	probed := f.After.Grade != "" || len(f.After.Edges) > 0
	if probed || !f.Stopped() {
		findings = append(findings, f.coverage(policy)...)
	}
	if probed {
		findings = slices.Concat(findings, f.edges(policy), f.interruptions(policy))
	}
	slices.SortFunc(findings, compareFindings)
	verdicts := []Verdict{Pass}
	for _, finding := range findings {
		verdicts = append(verdicts, finding.Verdict)
	}
	return Decision{Verdict: Worst(verdicts...), Findings: findings}
}

// Stopped is true where the change is not carried through for a reason of its own.
func (f Findings) Stopped() bool {
	return f.ApplyFailed != "" || len(f.Failures) > 0 || len(f.PlanDifferences) > 0
}

// general are the findings that are about no single edge.
func (f Findings) general() []Finding {
	var out []Finding
	if f.ApplyFailed != "" {
		out = append(out, Finding{Verdict: Blocked, Rule: RuleApply, Message: f.ApplyFailed})
	}
	for _, message := range f.Failures {
		out = append(out, Finding{Verdict: Blocked, Rule: RuleCheck, Message: message})
	}
	for _, message := range f.PlanDifferences {
		out = append(out, Finding{Verdict: Blocked, Rule: RulePlan, Message: message})
	}
	for _, message := range f.PlanRemarks {
		out = append(out, Finding{Verdict: Pass, Rule: RulePlan, Message: message})
	}
	for _, message := range f.Unclear {
		out = append(out, Finding{Rule: RuleUnclear, Message: message})
	}
	for _, message := range f.Remarks {
		out = append(out, Finding{Verdict: Pass, Rule: RuleRemark, Message: message})
	}
	return out
}

// coverage finds what keeps the matrices from proving anything.
func (f Findings) coverage(policy Policy) []Finding {
	var out []Finding
	unclear := func(rule, format string, args ...any) {
		out = append(out, Finding{Rule: rule, Message: fmt.Sprintf(format, args...)})
	}
	if f.Baseline.Grade == "" {
		unclear(RuleNoBaseline, "there is no baseline, so nothing can be compared: probe the environment before the change")
	}
	if len(f.Expectations) == 0 || len(f.After.Edges) == 0 {
		switch {
		case !f.held():
			unclear(RuleNoEdges, "no edge was checked, so nothing is proven: declare edges in a checks file, or switch discovery on")
		case !f.Baseline.Grade.Satisfies(policy.MinimumGrade):
			unclear(RuleGrade, tooWeak, gradeName(f.Baseline.Grade), gradeName(policy.MinimumGrade))
		case len(f.Unclear) == 0:
			unclear(RuleIncomplete, "nothing was probed after the change: run the same command again")
		}
		return out
	}
	if !f.After.Grade.Satisfies(policy.MinimumGrade) {
		unclear(RuleGrade, tooWeak, gradeName(f.After.Grade), gradeName(policy.MinimumGrade))
	}
	if f.Baseline.Grade != "" && f.Baseline.Grade != f.After.Grade {
		unclear(RuleGrade, "the baseline is %s and the outcomes after the change are %s, which cannot be compared: probe both in the same way",
			gradeName(f.Baseline.Grade), gradeName(f.After.Grade))
	}
	if f.hollow() {
		unclear(RuleNothing, "no edge was reachable and no declared one was as declared, so nothing could have been lost: repair the environment first")
	}
	return out
}

const tooWeak = "the outcomes are %s, and the environment asks for %s: use a provider that can give it, or lower gate.minimumGrade"

// held tells whether the change was held back after a baseline: nothing was probed since.
func (f Findings) held() bool {
	return f.After.Grade == "" && len(f.After.Edges) == 0 && len(f.Baseline.Edges) > 0
}

// hollow tells whether nothing was seen that works as it should.
func (f Findings) hollow() bool {
	want := map[reach.Edge]reach.Outcome{}
	for _, e := range f.Expectations {
		want[e.Edge] = e.Want
	}
	for _, r := range f.After.Edges {
		if r.Outcome == reach.Reachable || r.Outcome == reach.Unreachable && want[r.Edge] == reach.Unreachable {
			return false
		}
	}
	return true
}

func gradeName(g reach.Grade) string { return cmp.Or(string(g), "without a grade") }

// compareFindings orders the worst first, then by rule, edge and message.
func compareFindings(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(b.Verdict.severity(), a.Verdict.severity()),
		cmp.Compare(a.Rule, b.Rule),
		edgeOf(a).Compare(edgeOf(b)),
		cmp.Compare(a.Message, b.Message),
	)
}

func edgeOf(f Finding) reach.Edge {
	if f.Edge == nil {
		return reach.Edge{}
	}
	return *f.Edge
}
