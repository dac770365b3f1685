package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/printable"
)

// Text writes a result for people: the verdict, what happened in each environment, what
// to do next, and the exit code.
func Text(w io.Writer, r Result, options Options) error {
	p := &printer{Options: options}
	p.head(r)
	for _, e := range r.Environments {
		p.environment(e)
	}
	if r.Error != "" {
		p.line("\n%s", p.paint(bold, "error"))
		for _, line := range printable.Lines(r.Error) {
			p.item("  ", red, line)
		}
	}
	p.next(r.Next)
	h := headlineOf(r)
	p.line("\n%s %s, exit %d", p.glyph(h.tone), p.paint(h.tone.style()+bold, h.title), r.ExitCode)
	_, err := io.WriteString(w, p.String())
	return err
}

func (p *printer) head(r Result) {
	h := headlineOf(r)
	p.line("%s %s: %s", p.glyph(h.tone), p.paint(h.tone.style()+bold, h.title), h.say)
	if r.Change.Name != "" {
		p.item("  change  ", "", fmt.Sprintf("%s (%s, digest %s)", r.Change.Name, r.Change.Kind, r.Change.Digest.Short()))
	}
	if len(r.Change.Parts) > 1 {
		for i, part := range r.Change.Parts {
			p.item(fmt.Sprintf("    %d. ", i+1), "", part)
		}
	}
	p.item("  run     ", faint, joined(r.RunID, r.Command, "took "+took(r.Duration)))
}

func (p *printer) environment(e Environment) {
	p.line("\n%s%s", p.paint(bold, printable.Line(e.Name)), p.paint(faint, " "+printable.Line(about(e))))
	p.line("  graded  %s", gradeOf(e.Grade))
	p.plan(e.Plan)
	p.steps(e.Steps)
	p.edges(e)
	p.findings(e)
	p.interruptions(e.Interruptions)
	p.outcome(e)
}

// about is which cluster an environment is, as far as it is known.
func about(e Environment) string {
	cluster := e.ClusterName
	if cluster != "" {
		cluster = "cluster " + cluster
	}
	if facts := joined(cluster, e.Provider, e.Version); facts != "" {
		return "(" + facts + ")"
	}
	return ""
}

// joined is what is known of these, with commas.
func joined(facts ...string) string {
	return strings.Join(slices.DeleteFunc(facts, func(s string) bool { return s == "" }), ", ")
}

func (p *printer) steps(steps []Step) {
	if len(steps) == 0 {
		return
	}
	width := 0
	for _, s := range steps {
		width = max(width, len(printable.Line(s.Name)))
	}
	p.line("  steps")
	for _, s := range steps {
		duration := took(s.Duration)
		if s.Outcome == Skipped {
			duration = "-"
		}
		p.item(fmt.Sprintf("    %s %-*s %7s  ", p.stepGlyph(s.Outcome), width, printable.Line(s.Name), duration), "", stepDetail(s))
	}
}

// stepDetail names an outcome that is none of the known ones, so that none is taken for done.
func stepDetail(s Step) string {
	switch s.Outcome {
	case Done, Failed:
		return s.Detail
	}
	return strings.TrimSuffix(s.Outcome+": "+s.Detail, ": ")
}

func (p *printer) next(steps []string) {
	if len(steps) == 0 {
		return
	}
	p.line("\n%s", p.paint(bold, "next"))
	for i, s := range steps {
		p.item(fmt.Sprintf("  %d. ", i+1), "", s)
	}
}

// took is a duration for people: milliseconds below a second, tenths below a minute.
func took(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return d.Round(time.Second).String()
}
