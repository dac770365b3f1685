package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/reach"
)

// How much of long lists a text shows unless it is verbose.
const (
	textCauses = 10
	textEdges  = 5
	textItems  = 15
)

func (p *printer) edges(e Environment) {
	if len(e.After.Edges) > 0 {
		p.line("  after   %s", tally(e.After))
	}
	p.notes("  note    ", notesOf(e))
	for _, s := range sections(e) {
		style := yellow
		if s.title == "lost" {
			style = red
		}
		p.line("  %s", p.paint(style+bold, count(len(s.changes), "edge")+" "+s.title))
		p.causes(causes(s.changes))
	}
}

// notesOf are those of the matrix that was found last.
func notesOf(e Environment) []string {
	if len(e.After.Edges) == 0 {
		return e.Baseline.Notes
	}
	return e.After.Notes
}

func (p *printer) causes(list []cause) {
	shown, left := cut(list, p.limit(textCauses))
	for _, c := range shown {
		p.item(fmt.Sprintf("    %d × ", len(c.edges)), "", c.reason)
		p.edgeList(c.edges)
		if c.example != "" {
			p.item("        ", faint, "the first in full: "+c.example)
		}
	}
	p.more("    ", left, "cause")
}

// notes are what to know of a matrix beside its outcomes.
func (p *printer) notes(lead string, list []string) {
	shown, left := cut(list, p.limit(textItems))
	for _, n := range shown {
		p.item(lead, yellow, n)
	}
	p.more("  ", left, "note")
}

// tally is how many edges have which outcome: "12 edges: 10 reachable, 2 unreachable".
func tally(m reach.Matrix) string {
	n := map[reach.Outcome]int{}
	for _, r := range m.Edges {
		n[r.Outcome]++
	}
	var parts []string
	for _, o := range []reach.Outcome{reach.Reachable, reach.Unreachable, reach.Error, reach.Unknown} {
		if n[o] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[o], o))
		}
	}
	return count(len(m.Edges), "edge") + ": " + strings.Join(parts, ", ")
}

func (p *printer) plan(set change.Set) {
	if len(set.Items) == 0 {
		return
	}
	p.line("  plan    %s", planCounts(set))
	if risks := risksOf(set); len(risks) > 0 {
		p.line("          %s", p.paint(yellow, "high risk: "+riskList(risks)))
	}
	if p.Verbose {
		p.items(notable(set, true))
		return
	}
	groups := alike(notable(set, false))
	shown, _ := cut(groups, textItems)
	for _, group := range shown {
		p.item("    "+sign(group[0].Action)+" ", "", groupName(group)+riskTag(group[0].Risks))
	}
	p.more("    ", objectsIn(groups[len(shown):]), "object")
}

func (p *printer) items(list []change.Item) {
	for _, item := range list {
		p.item("    "+sign(item.Action)+" ", "", itemName(item)+riskTag(item.Risks))
		p.fields(item.Fields)
	}
}

func (p *printer) fields(fields []change.Field) {
	for _, f := range fields {
		p.item("        ", faint, fmt.Sprintf("%s: %s -> %s", f.Path, orNone(f.Before), orNone(f.After)))
	}
}

func (p *printer) findings(e Environment) {
	shown, left := cut(judgements(e), p.limit(textItems))
	for _, j := range shown {
		p.item("  "+p.findingGlyph(j.Verdict)+" ", "", j.text())
		p.edgeList(j.edges)
	}
	p.more("  ", left, "finding")
}

func (p *printer) edgeList(edges []reach.Edge) {
	shown, left := cut(edges, p.limit(textEdges))
	for _, edge := range shown {
		p.item("        ", faint, edge.String())
	}
	p.more("        ", left, "edge")
}

func (p *printer) interruptions(list []gate.Interruption) {
	if len(list) == 0 {
		return
	}
	p.line("  %s", p.paint(yellow, count(len(list), "edge")+" down for a time"))
	shown, left := cut(list, p.limit(textItems))
	for _, i := range shown {
		p.item("    ", "", interruptionText(i))
	}
	p.more("    ", left, "edge")
}

func interruptionText(i gate.Interruption) string {
	end := "not healed"
	if i.Healed {
		end = "healed"
	}
	return fmt.Sprintf("%s: %s, %s", i.Edge, took(i.Duration), end)
}

// outcome is what became of the environment: untouched, reverted, its evidence.
func (p *printer) outcome(e Environment) {
	if e.Untouched {
		p.line("  nothing was changed here")
	}
	if e.Reverted != nil {
		p.revert(*e.Reverted)
	}
	if r := e.RolledBack; r != nil {
		p.item("  ", yellow+bold, rollbackText(*r))
		p.revert(r.Revert)
	}
	if e.Evidence != "" {
		p.item("  evidence  ", "", e.Evidence)
	}
}

// rollbackText says that a change was taken back after its run.
func rollbackText(r Rollback) string {
	text := "then taken back by stagegate rollback, " + r.Time.UTC().Format(time.DateTime) + " UTC"
	if r.Error != "" {
		text += ", which ended in an error: " + r.Error
	}
	return text
}

func (p *printer) revert(r Revert) {
	switch {
	case r.Restored:
		p.line("  %s reverted: nothing is left behind, and every edge of the baseline is back", p.glyph(good))
	case r.Done():
		p.line("  %s reverted, but it stayed dirty: the cluster was thrown away and made anew", p.glyph(doubtful))
	default:
		p.line("  %s %s", p.glyph(bad), p.paint(red+bold, "revert incomplete"))
	}
	p.leftovers("left behind", r.Left)
	p.leftovers("kept, since others changed it meanwhile", r.Kept)
	if len(r.Missing) > 0 {
		p.line("  %s", p.paint(red, count(len(r.Missing), "edge")+" of the baseline not back"))
		p.causes(causes(r.Missing))
	}
}

// leftovers is never cut: a person has to deal with each.
func (p *printer) leftovers(title string, list []Left) {
	if len(list) == 0 {
		return
	}
	p.line("    %s", p.paint(bold, count(len(list), "object")+" "+title))
	for _, l := range list {
		p.item("      ", "", leftName(l)+": "+l.Why)
	}
}
