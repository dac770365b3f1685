package gate

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/reach"
)

const (
	up, down = reach.Reachable, reach.Unreachable
	absent   = reach.Outcome("absent") // no result, or no expectation
)

func edge(name string) reach.Edge { return reach.Edge{From: "external", To: name} }

// seen describes one edge: what is expected of it, and its outcomes.
type seen struct {
	name                string
	want, before, after reach.Outcome
}

// findings are those of a healthy edge and of the given ones.
func findings(edges ...seen) Findings {
	f := Findings{Baseline: reach.Matrix{Grade: reach.Live}, After: reach.Matrix{Grade: reach.Live}}
	for _, s := range append(edges, seen{"healthy", reach.Unknown, up, up}) {
		e := edge(s.name)
		if s.want != absent {
			f.Expectations = append(f.Expectations, reach.Expectation{Edge: e, Want: s.want})
		}
		if s.before != absent {
			f.Baseline.Edges = append(f.Baseline.Edges, reach.Result{Edge: e, Outcome: s.before, Reason: "then"})
		}
		if s.after != absent {
			f.After.Edges = append(f.After.Edges, reach.Result{Edge: e, Outcome: s.after, Reason: "policy x"})
		}
	}
	return f
}

func policy(onNew config.NewEdges) Policy {
	return Policy{MinimumGrade: reach.Modelled, OnNewEdges: onNew, MaxInterruption: 5 * time.Second}
}

func TestEdgeRules(t *testing.T) {
	const discovered = reach.Unknown
	warn, block, ignore := config.WarnNewEdges, config.BlockNewEdges, config.IgnoreNewEdges
	tests := map[string]struct {
		edge    seen
		onNew   config.NewEdges
		verdict Verdict
		rule    string // empty: no finding
		message string
	}{
		"unchanged":                         {seen{"e", discovered, up, up}, block, Pass, "", ""},
		"lost":                              {seen{"e", discovered, up, down}, warn, Blocked, RuleLost, "reachable before the change, not now: policy x"},
		"lost, not expected":                {seen{"e", absent, up, down}, warn, Blocked, RuleLost, "reachable before the change, not now: policy x"},
		"lost, declared":                    {seen{"e", up, up, down}, warn, Blocked, RuleLost, "reachable before the change, not now: policy x"},
		"broken all along":                  {seen{"e", discovered, down, down}, warn, Pass, "", ""},
		"declared, broken all along":        {seen{"e", up, down, down}, warn, Pass, RuleAlreadyBroken, "declared reachable, but unreachable before the change as after it: policy x"},
		"declared, mended":                  {seen{"e", up, down, up}, block, Pass, "", ""},
		"declared, new and broken":          {seen{"e", up, absent, down}, warn, Blocked, RuleExpectation, "declared reachable, but unreachable after the change: policy x"},
		"declared, new":                     {seen{"e", up, absent, up}, block, Pass, "", ""},
		"declared closed, opened":           {seen{"e", down, down, up}, ignore, Blocked, RuleExpectation, "declared unreachable, but reachable after the change: policy x"},
		"declared closed, new and open":     {seen{"e", down, absent, up}, ignore, Blocked, RuleExpectation, "declared unreachable, but reachable after the change: policy x"},
		"declared closed, open all along":   {seen{"e", down, up, up}, block, Pass, RuleAlreadyBroken, "declared unreachable, but reachable before the change as after it: policy x"},
		"declared closed, now so":           {seen{"e", down, up, down}, block, Pass, "", ""},
		"opened, block":                     {seen{"e", discovered, down, up}, block, Blocked, RuleOpened, "unreachable before the change, reachable now: declare it in the checks file if it is meant"},
		"opened, warn":                      {seen{"e", discovered, down, up}, warn, Pass, RuleOpened, "unreachable before the change, reachable now: declare it in the checks file if it is meant"},
		"opened, ignore":                    {seen{"e", discovered, down, up}, ignore, Pass, "", ""},
		"opened, no policy":                 {seen{"e", discovered, down, up}, "", Blocked, RuleOpened, "unreachable before the change, reachable now: declare it in the checks file if it is meant"},
		"new, block":                        {seen{"e", discovered, absent, up}, block, Blocked, RuleNew, "new with this change, and reachable: declare it in the checks file if it is meant"},
		"new, warn":                         {seen{"e", discovered, absent, up}, warn, Pass, RuleNew, "new with this change, and reachable: declare it in the checks file if it is meant"},
		"new and broken":                    {seen{"e", discovered, absent, down}, ignore, Blocked, RuleNewBroken, "new with this change, and unreachable: policy x"},
		"gone":                              {seen{"e", discovered, up, absent}, ignore, Blocked, RuleGone, "reachable before the change, and what served it is no longer there: if that is meant, add the edge to discover.exclude in the checks file"},
		"gone, not expected any more":       {seen{"e", absent, up, absent}, ignore, Blocked, RuleGone, "reachable before the change, and what served it is no longer there: if that is meant, add the edge to discover.exclude in the checks file"},
		"gone, and was broken":              {seen{"e", absent, down, absent}, ignore, Pass, "", ""},
		"gone, and was unclear":             {seen{"e", absent, reach.Error, absent}, ignore, Inconclusive, RuleUnclear, "error before the change, and no longer there: then"},
		"gone, was broken and was expected": {seen{"e", discovered, down, absent}, ignore, Pass, "", ""},
		"gone, unclear and expected":        {seen{"e", discovered, reach.Error, absent}, ignore, Inconclusive, RuleUnclear, "error before the change, and no longer there: then"},
		"no result at all":                  {seen{"e", discovered, absent, absent}, ignore, Inconclusive, RuleIncomplete, "there is no result after the change: probe it again"},
		"declared, broken, no result":       {seen{"e", up, down, absent}, ignore, Inconclusive, RuleIncomplete, "there is no result after the change: probe it again"},
		"declared, no result":               {seen{"e", up, up, absent}, ignore, Inconclusive, RuleIncomplete, "there is no result after the change: probe it again"},
		"error after":                       {seen{"e", discovered, up, reach.Error}, ignore, Inconclusive, RuleUnclear, "error after the change: policy x"},
		"unknown after":                     {seen{"e", discovered, up, reach.Unknown}, ignore, Inconclusive, RuleUnclear, "unknown after the change: policy x"},
		"made-up outcome":                   {seen{"e", discovered, up, "fine"}, ignore, Inconclusive, RuleUnclear, "fine after the change: policy x"},
		"error before":                      {seen{"e", up, reach.Error, up}, ignore, Inconclusive, RuleUnclear, "error before the change, so nothing can be compared: then"},
		"an expectation that cannot be met": {seen{"e", reach.Error, up, up}, ignore, Inconclusive, RuleConflict, "its expectations contradict each other: keep one of them"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := Decide(policy(test.onNew), findings(test.edge))
			var want []Finding
			if test.rule != "" {
				e := edge("e")
				want = []Finding{{test.verdict, test.rule, &e, test.message}}
			}
			if diff := cmp.Diff(Decision{test.verdict, want}, d); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGeneralRules(t *testing.T) {
	tests := map[string]struct {
		change  func(*Findings, *Policy)
		verdict Verdict
		rules   []string
	}{
		"good":                  {func(*Findings, *Policy) {}, Pass, nil},
		"nothing at all":        {func(f *Findings, _ *Policy) { *f = Findings{} }, Inconclusive, []string{RuleNoBaseline, RuleNoEdges}},
		"no policy":             {func(_ *Findings, p *Policy) { *p = Policy{} }, Inconclusive, []string{RuleGrade}},
		"no expectations":       {func(f *Findings, _ *Policy) { f.Expectations = nil }, Inconclusive, []string{RuleNoEdges}},
		"no baseline":           {func(f *Findings, _ *Policy) { f.Baseline = reach.Matrix{} }, Inconclusive, []string{RuleNoBaseline, RuleNew}},
		"empty baseline":        {func(f *Findings, _ *Policy) { f.Baseline.Edges = nil }, Pass, []string{RuleNew}},
		"live asked for":        {func(f *Findings, p *Policy) { p.MinimumGrade = reach.Live; f.grade(reach.Modelled) }, Inconclusive, []string{RuleGrade}},
		"better than asked for": {func(_ *Findings, p *Policy) { p.MinimumGrade = reach.Modelled }, Pass, nil},
		"grades differ":         {func(f *Findings, _ *Policy) { f.Baseline.Grade = reach.Modelled }, Inconclusive, []string{RuleGrade}},
		"no grade":              {func(f *Findings, _ *Policy) { f.grade("") }, Inconclusive, []string{RuleGrade, RuleNoBaseline}},
		"nothing reachable":     {func(f *Findings, _ *Policy) { f.outcome(down) }, Inconclusive, []string{RuleNothing}},
		"never probed":          {func(f *Findings, _ *Policy) { f.After = reach.Matrix{} }, Inconclusive, []string{RuleIncomplete}},
		"no edges at all":       {func(f *Findings, _ *Policy) { f.After, f.Baseline.Edges = reach.Matrix{}, nil }, Inconclusive, []string{RuleNoEdges}},
		"held back, too weak": {func(f *Findings, p *Policy) {
			p.MinimumGrade = reach.Live
			f.grade(reach.Modelled)
			f.After = reach.Matrix{}
		}, Inconclusive, []string{RuleGrade}},
		"held back, unclear":      {func(f *Findings, _ *Policy) { f.Unclear, f.After = []string{"not known"}, reach.Matrix{} }, Inconclusive, []string{RuleUnclear}},
		"apply failed":            {func(f *Findings, _ *Policy) { f.ApplyFailed = "no"; f.After = reach.Matrix{} }, Blocked, []string{RuleApply}},
		"apply failed, probed":    {func(f *Findings, _ *Policy) { f.ApplyFailed = "no"; f.After.Edges[0].Outcome = down }, Blocked, []string{RuleApply, RuleLost, RuleNothing}},
		"other check":             {func(f *Findings, _ *Policy) { f.Failures = []string{"parity"} }, Blocked, []string{RuleCheck}},
		"unclear":                 {func(f *Findings, _ *Policy) { f.Unclear = []string{"probe evicted"} }, Inconclusive, []string{RuleUnclear}},
		"remark":                  {func(f *Findings, _ *Policy) { f.Remarks = []string{"worth knowing"} }, Pass, []string{RuleRemark}},
		"blocked beats unclear":   {func(f *Findings, _ *Policy) { f.Unclear, f.Failures = []string{"a"}, []string{"b"} }, Blocked, []string{RuleCheck, RuleUnclear}},
		"short interruption":      {func(f *Findings, _ *Policy) { f.interrupted(time.Second, true) }, Pass, []string{RuleInterruption}},
		"long interruption":       {func(f *Findings, _ *Policy) { f.interrupted(6*time.Second, true) }, Blocked, []string{RuleInterruption}},
		"long, any allowed":       {func(f *Findings, p *Policy) { f.interrupted(time.Hour, true); p.MaxInterruption = 0 }, Pass, []string{RuleInterruption}},
		"unhealed interruption":   {func(f *Findings, _ *Policy) { f.interrupted(time.Second, false) }, Inconclusive, []string{RuleInterruption}},
		"two results":             {func(f *Findings, _ *Policy) { f.twice(down) }, Inconclusive, []string{RuleUnclear}},
		"two equal results":       {func(f *Findings, _ *Policy) { f.twice(up) }, Pass, nil},
		"declared and discovered": {func(f *Findings, _ *Policy) { f.expect(up) }, Pass, nil},
		"declared both ways":      {func(f *Findings, _ *Policy) { f.expect(up, down) }, Inconclusive, []string{RuleConflict}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f, p := findings(), policy(config.WarnNewEdges)
			test.change(&f, &p)
			d := Decide(p, f)
			var rules []string
			for _, finding := range d.Findings {
				rules = append(rules, finding.Rule)
			}
			if d.Verdict != test.verdict || !slices.Equal(rules, test.rules) {
				t.Errorf("decision = %+v, want %s by %v", d, test.verdict, test.rules)
			}
		})
	}
}

func (f *Findings) grade(g reach.Grade) { f.Baseline.Grade, f.After.Grade = g, g }

func (f *Findings) outcome(o reach.Outcome) {
	f.Baseline.Edges[0].Outcome, f.After.Edges[0].Outcome = o, o
}

func (f *Findings) interrupted(d time.Duration, healed bool) {
	f.Interruptions = []Interruption{{edge("healthy"), d, healed}}
}

func (f *Findings) twice(o reach.Outcome) {
	f.After.Edges = append(f.After.Edges, reach.Result{Edge: edge("healthy"), Outcome: o})
}

func (f *Findings) expect(wants ...reach.Outcome) {
	for _, want := range wants {
		f.Expectations = append(f.Expectations, reach.Expectation{Edge: edge("healthy"), Want: want})
	}
}

func TestWorstFirstAndInOrder(t *testing.T) {
	f := findings(seen{"b", up, up, down}, seen{"a", up, up, down}, seen{"c", up, down, down}, seen{"d", up, up, reach.Error})
	f.Unclear, f.Failures = []string{"z", "y"}, []string{"x"}
	var got []string
	for _, finding := range Decide(policy(config.WarnNewEdges), f).Findings {
		got = append(got, strings.Join([]string{finding.Verdict.String(), finding.Rule, edgeOf(finding).To}, " "))
	}
	want := []string{
		"blocked check ", "blocked lost-edge a", "blocked lost-edge b",
		"inconclusive unclear ", "inconclusive unclear ", "inconclusive unclear d", "pass already-broken c",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}
