package report

import (
	"fmt"
	"strings"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/reach"
)

func (m *markdown) environment(e Environment) {
	m.line("\n### %s %s\n", prose(e.Name), prose(about(e)))
	m.line("Graded **%s**.%s", gradeOf(e.Grade), untouched(e))
	for _, s := range sections(e) {
		m.changes(s)
	}
	m.notes(notesOf(e))
	m.findings(judgements(e))
	m.interruptions(e.Interruptions)
	if e.Reverted != nil {
		m.revert(*e.Reverted)
	}
	if r := e.RolledBack; r != nil {
		m.line("\n%s", prose(rollbackText(*r)))
		m.revert(r.Revert)
	}
	m.plan(e.Plan)
	m.steps(e)
}

func untouched(e Environment) string {
	if e.Untouched {
		return " Nothing was changed here."
	}
	return ""
}

// markdownEdges is how many edges of one cause stand in its row.
const markdownEdges = 5

// changes is a table by cause; the causes of lost edges are open, the rest is folded away.
func (m *markdown) changes(s section) {
	list := causes(s.changes)
	title := count(len(s.changes), "edge") + " " + s.title
	if s.title == "lost" {
		m.line("\n#### %s\n", title)
		m.causes(list)
		m.details("Every edge lost", func() { m.every(s.changes) })
		return
	}
	m.details(title, func() { m.causes(list) })
}

func (m *markdown) every(list []reach.Change) {
	shown, left := cut(list, m.limit)
	for _, c := range shown {
		m.line("- %s", code(c.Edge.String()))
	}
	m.more(left, "edge")
}

func (m *markdown) causes(list []cause) {
	m.line("| edges | why | which |\n|---:|---|---|")
	shown, left := cut(list, m.limit)
	for _, c := range shown {
		which := strings.TrimPrefix(edgeCells(c.edges, "<br>"), "<br>")
		why := prose(c.reason)
		if c.example != "" {
			why += "<br>the first in full: " + prose(c.example)
		}
		m.line("| %d | %s | %s |", len(c.edges), why, which)
	}
	m.more(left, "cause")
}

func (m *markdown) notes(list []string) {
	shown, left := cut(list, m.limit)
	for _, n := range shown {
		m.line("\n> %s", prose(n))
	}
	m.more(left, "note")
}

func (m *markdown) findings(list []judgement) {
	if len(list) == 0 {
		return
	}
	m.line("\n#### Findings\n")
	shown, left := cut(list, m.limit)
	for _, j := range shown {
		m.line("- %s %s%s", findingIcon(j.Verdict), prose(j.text()), edgeCells(j.edges, "<br>"))
	}
	m.more(left, "finding")
}

// edgeCells are some edges, one a line, each after the separator.
func edgeCells(edges []reach.Edge, separator string) string {
	shown, more := cut(edges, markdownEdges)
	var b strings.Builder
	for _, edge := range shown {
		b.WriteString(separator + code(edge.String()))
	}
	if more > 0 {
		fmt.Fprintf(&b, "%s… and %d more", separator, more)
	}
	return b.String()
}

func findingIcon(v gate.Verdict) string {
	if v == gate.Blocked {
		return bad.icon()
	}
	return doubtful.icon()
}

func (m *markdown) interruptions(list []gate.Interruption) {
	if len(list) == 0 {
		return
	}
	m.details(count(len(list), "edge")+" down for a time", func() {
		shown, left := cut(list, m.limit)
		for _, i := range shown {
			m.line("- %s", prose(interruptionText(i)))
		}
		m.more(left, "edge")
	})
}

func (m *markdown) revert(r Revert) {
	switch {
	case r.Restored:
		m.line("\n%s **Reverted**: nothing is left behind, and every edge of the baseline is back.", good.icon())
	case r.Done():
		m.line("\n%s **Reverted**, but it stayed dirty: the cluster was thrown away and made anew.", doubtful.icon())
	default:
		m.line("\n%s **Revert incomplete.**", bad.icon())
	}
	m.leftovers("left behind", r.Left)
	m.leftovers("kept, since others changed it meanwhile", r.Kept)
	if len(r.Missing) > 0 {
		m.line("\n**%s of the baseline not back**\n", count(len(r.Missing), "edge"))
		m.causes(causes(r.Missing))
	}
}

func (m *markdown) leftovers(title string, list []Left) {
	if len(list) == 0 {
		return
	}
	m.line("\n**%s %s**\n\n| object | why |\n|---|---|", count(len(list), "object"), title)
	shown, left := cut(list, m.limit)
	for _, l := range shown {
		m.line("| %s | %s |", code(leftName(l)), prose(l.Why))
	}
	m.more(left, "object")
}

func (m *markdown) plan(set change.Set) {
	if len(set.Items) == 0 {
		return
	}
	m.line("\nPlan: **%s**.", planCounts(set))
	if risks := risksOf(set); len(risks) > 0 {
		m.line("High risk: %s.", riskList(risks))
	}
	m.details("The plan", func() {
		m.line("| | object | risk |\n|---|---|---|")
		shown, left := cut(notable(set, false), m.limit)
		for _, item := range shown {
			m.line("| %s | %s | %s |", sign(item.Action), code(itemName(item)), strings.Trim(riskTag(item.Risks), " []"))
		}
		m.more(left, "object")
	})
}

func (m *markdown) steps(e Environment) {
	if len(e.Steps) == 0 {
		return
	}
	m.details("Steps", func() {
		m.line("| step | outcome | took | |\n|---|---|---:|---|")
		for _, s := range e.Steps {
			m.line("| %s | %s | %s | %s |", prose(s.Name), prose(s.Outcome), took(s.Duration), prose(s.Detail))
		}
		if e.Evidence != "" {
			m.line("\nEvidence: %s", code(e.Evidence))
		}
	})
}
