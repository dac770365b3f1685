package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/reach"
)

func (t tone) style() string { return [...]string{good: green, doubtful: yellow, bad: red}[t] }

func (p *printer) glyph(t tone) string {
	return p.paint(t.style(), [...]string{good: "✓", doubtful: "?", bad: "✗"}[t])
}

// findingGlyph marks a finding; one that passes is a warning.
func (p *printer) findingGlyph(v gate.Verdict) string {
	switch v {
	case gate.Pass:
		return p.paint(yellow, "!")
	case gate.Blocked:
		return p.glyph(bad)
	}
	return p.glyph(doubtful)
}

func outcomeTone(o reach.Outcome) tone {
	switch o {
	case reach.Reachable:
		return good
	case reach.Unreachable:
		return bad
	}
	return doubtful
}

func (p *printer) stepGlyph(outcome string) string {
	switch outcome {
	case Done:
		return p.glyph(good)
	case Failed:
		return p.glyph(bad)
	case Skipped:
		return p.paint(faint, "-")
	}
	return p.glyph(doubtful)
}

// planCounts is "+3 ~1 -0, 2 unchanged"; a replacement (Terraform) is ±.
func planCounts(set change.Set) string {
	s := fmt.Sprintf("+%d ~%d -%d", set.Count(change.Create), set.Count(change.Update), set.Count(change.Delete))
	if n := set.Count(change.Replace); n > 0 {
		s += fmt.Sprintf(" ±%d", n)
	}
	if n := set.Count(change.Keep); n > 0 {
		s += fmt.Sprintf(", %d unchanged", n)
	}
	return s
}

func sign(a change.Action) string {
	switch a {
	case change.Create:
		return "+"
	case change.Update:
		return "~"
	case change.Replace:
		return "±"
	case change.Delete:
		return "-"
	}
	return "="
}

// notable are the items that change something, those of high risk first.
func notable(set change.Set, all bool) []change.Item {
	var risky, plain []change.Item
	for _, item := range set.Items {
		switch {
		case item.Action == change.Keep && !all:
		case len(item.Risks) > 0:
			risky = append(risky, item)
		default:
			plain = append(plain, item)
		}
	}
	return append(risky, plain...)
}

func itemName(i change.Item) string { return cmp.Or(i.Address, i.Object.String()) }

func leftName(l Left) string { return cmp.Or(l.Address, l.Object.String()) }

func riskList(list []risky) string {
	parts := make([]string, len(list))
	for i, r := range list {
		parts[i] = fmt.Sprintf("%d %s", r.items, r.risk)
	}
	return strings.Join(parts, ", ")
}

func riskTag(risks []change.Risk) string {
	if len(risks) == 0 {
		return ""
	}
	names := make([]string, len(risks))
	for i, r := range risks {
		names[i] = string(r)
	}
	return " [" + strings.Join(names, ", ") + "]"
}

func orNone(s string) string { return cmp.Or(s, "(none)") }
