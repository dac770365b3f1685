package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/report"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: run go test ./internal/report -update", err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s differs (-want +got), run with -update if that is meant:\n%s", path, d)
	}
}

func write(t *testing.T, format report.Format, r report.Result, options report.Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write(format, &b, r, options); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var extension = map[report.Format]string{
	report.FormatText: "txt", report.FormatJSON: "json", report.FormatMarkdown: "md", report.FormatJUnit: "xml",
}

func TestGolden(t *testing.T) {
	results := map[string]report.Result{
		"pass": pass(), "blocked": blocked(), "inconclusive": inconclusive(),
		"rolled-back": rolledBack(), "incomplete": incomplete(), "error": failed(), "taken-back": takenBack(),
	}
	for name, r := range results {
		for _, format := range report.Formats() {
			t.Run(name+"/"+string(format), func(t *testing.T) {
				golden(t, name+"."+extension[format], write(t, format, r, report.Options{}))
			})
		}
	}
	t.Run("blocked/color", func(t *testing.T) {
		got := write(t, report.FormatText, blocked(), report.Options{Color: true, Width: 80})
		golden(t, "blocked-color.txt", got)
	})
	t.Run("blocked/verbose", func(t *testing.T) {
		got := write(t, report.FormatText, blocked(), report.Options{Verbose: true})
		golden(t, "blocked-verbose.txt", got)
	})
}

// Nothing that is not a pass may look like one, whatever the fields say.
func TestNeverLooksLikePass(t *testing.T) {
	tests := map[string]report.Result{
		"zero value":              {},
		"pass with an error":      {Verdict: gate.Pass, Error: "writing evidence: disk full"},
		"pass with an exit code":  {Verdict: gate.Pass, ExitCode: 1},
		"inconclusive, exit zero": {Verdict: gate.Inconclusive},
		"blocked, exit zero":      {Verdict: gate.Blocked},
		"interrupted":             {Verdict: gate.Pass, ExitCode: 130},
	}
	for name, r := range tests {
		t.Run(name, func(t *testing.T) {
			for _, format := range []report.Format{report.FormatText, report.FormatMarkdown} {
				if got := string(write(t, format, r, report.Options{})); strings.Contains(got, "PASS") || strings.ContainsAny(got, "✓✅") {
					t.Errorf("%s looks like a pass:\n%s", format, got)
				}
			}
			if s := parseJUnit(t, write(t, report.FormatJUnit, r, report.Options{})); s.Failures+s.Errors == 0 {
				t.Error("JUnit has neither a failure nor an error")
			}
		})
	}
}

func TestGradeAlwaysShown(t *testing.T) {
	for _, format := range report.Formats() {
		if got := write(t, format, pass(), report.Options{}); !bytes.Contains(got, []byte("modelled")) {
			t.Errorf("%s does not say that the outcomes are modelled", format)
		}
	}
}

func TestNothingHostileComesThrough(t *testing.T) {
	for _, r := range []report.Result{inconclusive(), failed(), {Command: hostile, RunID: hostile, Environments: []report.Environment{{Name: hostile, Steps: []report.Step{{Name: hostile, Outcome: hostile}}}}}} {
		for _, format := range report.Formats() {
			got := string(write(t, format, r, report.Options{}))
			for _, bad := range []string{"\x1b", "\u202e", "\x00", "\n## PASS"} {
				if strings.Contains(got, bad) {
					t.Errorf("%s lets %q through:\n%s", format, bad, got)
				}
			}
			if format == report.FormatMarkdown && (strings.Contains(got, "<script>") || strings.Contains(got, "@admins") || strings.Contains(got, "](https")) {
				t.Errorf("Markdown lets markup through:\n%s", got)
			}
		}
	}
}

func TestPlainHasNoEscapes(t *testing.T) {
	if got := write(t, report.FormatText, blocked(), report.Options{}); bytes.Contains(got, []byte("\x1b")) {
		t.Error("text without colour has escape sequences")
	}
}

func TestTextWidth(t *testing.T) {
	const width = 60
	for line := range strings.SplitSeq(string(write(t, report.FormatText, rolledBack(), report.Options{Width: width})), "\n") {
		if n := utf8.RuneCountInString(line); n > width && strings.Contains(strings.TrimSpace(line), " ") && strings.Contains(line, "NetworkPolicy") {
			t.Errorf("a line of %d columns in a terminal of %d: %s", n, width, line)
		}
	}
}

func TestLarge(t *testing.T) {
	const edges = 10_000
	r := large(edges)
	t.Run("markdown fits into a comment and counts what it leaves out", func(t *testing.T) {
		got := string(write(t, report.FormatMarkdown, r, report.Options{}))
		if n := utf8.RuneCountInString(got); n > 65_536 {
			t.Errorf("%d characters", n)
		}
		for _, want := range []string{"10000 edges lost", "left out here", "<!-- stagegate-report: promote calico -->", "### Next"} {
			if !strings.Contains(got, want) {
				t.Errorf("lacks %q", want)
			}
		}
	})
	t.Run("text is short and counts what it leaves out", func(t *testing.T) {
		got := string(write(t, report.FormatText, r, report.Options{}))
		if n := strings.Count(got, "\n"); n > 150 {
			t.Errorf("%d lines", n)
		}
		if !strings.Contains(got, "… and 690 more causes") {
			t.Errorf("does not say that 690 causes are left out:\n%s", got)
		}
	})
	t.Run("verbose text has every edge", func(t *testing.T) {
		if got := write(t, report.FormatText, r, report.Options{Verbose: true}); bytes.Count(got, []byte("external -> ")) < edges {
			t.Error("edges are missing")
		}
	})
	t.Run("JSON has every edge", func(t *testing.T) {
		var got report.Result
		if err := json.Unmarshal(write(t, report.FormatJSON, r, report.Options{}), &got); err != nil {
			t.Fatal(err)
		}
		if n := len(got.Environments[0].Difference.Lost); n != edges {
			t.Errorf("%d lost edges", n)
		}
	})
	t.Run("JUnit has every edge", func(t *testing.T) {
		if s := parseJUnit(t, write(t, report.FormatJUnit, r, report.Options{})); s.Failures < edges {
			t.Errorf("%d failures", s.Failures)
		}
	})
}

type junitTotals struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Errors   int `xml:"errors,attr"`
}

func parseJUnit(t *testing.T, content []byte) junitTotals {
	t.Helper()
	var totals junitTotals
	if err := xml.Unmarshal(content, &totals); err != nil {
		t.Fatal(err)
	}
	return totals
}

func TestJUnitOutcomes(t *testing.T) {
	edge := reach.Edge{From: "external", To: "ingress/shop/web"}
	at := func(o reach.Outcome) reach.Matrix {
		return reach.Matrix{Grade: reach.Modelled, Edges: []reach.Result{{Edge: edge, Outcome: o, Reason: "because"}}}
	}
	other := reach.Matrix{Edges: []reach.Result{{Edge: reach.Edge{From: "external", To: "ingress/shop/other"}}}}
	tests := []struct {
		name          string
		want          reach.Outcome
		before, after reach.Matrix
		finding       *gate.Finding
		expect        string
	}{
		{"kept", reach.Unknown, at(reach.Reachable), at(reach.Reachable), nil, ""},
		{"lost", reach.Unknown, at(reach.Reachable), at(reach.Unreachable), nil, "<failure"},
		{"already broken", reach.Unknown, at(reach.Unreachable), at(reach.Unreachable), nil, "<skipped"},
		{"probe failed", reach.Unknown, at(reach.Reachable), at(reach.Error), nil, "<error"},
		{"unknown", reach.Unknown, at(reach.Reachable), at(reach.Unknown), nil, "<error"},
		{"not run", reach.Unknown, at(reach.Reachable), reach.Matrix{}, nil, "<skipped"},
		{"not probed", reach.Unknown, reach.Matrix{}, other, nil, "<error"},
		{"gone", reach.Unknown, at(reach.Reachable), other, nil, "<skipped"},
		{"denied as wanted", reach.Unreachable, at(reach.Unreachable), at(reach.Unreachable), nil, ""},
		{"closed as wanted", reach.Unreachable, at(reach.Reachable), at(reach.Unreachable), nil, ""},
		{"open against the check", reach.Unreachable, at(reach.Unreachable), at(reach.Reachable), nil, "<failure"},
		{
			"already broken, but the gate blocks", reach.Reachable, at(reach.Unreachable), at(reach.Unreachable),
			&gate.Finding{Verdict: gate.Blocked, Rule: "expectation", Edge: &edge, Message: "m"}, "<failure",
		},
		{
			"reachable, but the gate doubts", reach.Reachable, at(reach.Reachable), at(reach.Reachable),
			&gate.Finding{Verdict: gate.Inconclusive, Rule: "flaky", Edge: &edge, Message: "m"}, "<error",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := report.Environment{
				Name: "staging", Baseline: tt.before, After: tt.after, Difference: reach.Compare(tt.before, tt.after),
				Expectations: []reach.Expectation{{Edge: edge, Want: tt.want}},
			}
			if tt.finding != nil {
				e.Decision.Findings = []gate.Finding{*tt.finding}
			}
			got := string(write(t, report.FormatJUnit, report.Result{Verdict: gate.Pass, Environments: []report.Environment{e}}, report.Options{}))
			reachability, _, _ := strings.Cut(got, `<testsuite name="verdict"`)
			for _, kind := range []string{"<failure", "<error", "<skipped"} {
				if has := strings.Contains(reachability, kind); has != (kind == tt.expect) {
					t.Errorf("has %s: %v, want %q in\n%s", kind, has, tt.expect, reachability)
				}
			}
		})
	}
}

func TestParseFormat(t *testing.T) {
	if f, err := report.ParseFormat("junit"); err != nil || f != report.FormatJUnit {
		t.Errorf("junit: %v, %v", f, err)
	}
	_, err := report.ParseFormat("yaml")
	want := `unknown output format "yaml": use one of text, json, markdown, junit`
	if fmt.Sprint(err) != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

func TestHeadlineNamesTheWeakestGrade(t *testing.T) {
	r := report.Result{Verdict: gate.Pass, Command: "promote", Environments: []report.Environment{
		{Name: "staging", Grade: reach.Live}, {Name: "production", Grade: reach.Modelled}, {Name: "other"},
	}}
	first, _, _ := strings.Cut(string(write(t, report.FormatText, r, report.Options{})), "\n")
	if want := "✓ PASS: the change is promoted (modelled: no packet was sent)"; first != want {
		t.Errorf("headline is %q, want %q", first, want)
	}
}

func TestFindingsOfManyEdgesAreOneLine(t *testing.T) {
	e := environment("staging", 30, reach.Unknown, "")
	for _, r := range e.After.Edges {
		e.Decision.Findings = append(e.Decision.Findings, gate.Finding{Rule: gate.RuleUnclear, Edge: &r.Edge, Message: "probe pod evicted"})
	}
	got := string(write(t, report.FormatText, report.Result{ExitCode: 4, Environments: []report.Environment{e}}, report.Options{}))
	if n := strings.Count(got, "probe pod evicted"); n != 1 || !strings.Contains(got, "unclear, 30 edges: probe pod evicted") {
		t.Errorf("the finding stands %d times:\n%s", n, got)
	}
	if strings.Contains(got, "30 edges unclear") {
		t.Errorf("what the findings say stands twice:\n%s", got)
	}
}

func TestClosedAsDeclaredIsNotLost(t *testing.T) {
	e := environment("staging", 1, reach.Unreachable, "NetworkPolicy shop/closed")
	e.Expectations[0].Want = reach.Unreachable
	got := string(write(t, report.FormatText, report.Result{Verdict: gate.Pass, Environments: []report.Environment{e}}, report.Options{}))
	if strings.Contains(got, "1 edge lost") || !strings.Contains(got, "1 edge closed, as the checks declare") {
		t.Errorf("an edge that was to be closed is shown as lost:\n%s", got)
	}
}
