package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/printable"
	"github.com/stagegate/stagegate/internal/reach"
)

// How much of a large matrix a text shows unless it is verbose.
const (
	matrixRows    = 400
	matrixSources = 6
)

// row is all sources of one target that have the same outcome for the same reason.
type row struct {
	namespace string
	target    string
	outcome   reach.Outcome
	reason    string
	sources   []string
}

// rows groups a sorted matrix by the target's namespace, then by target.
func rows(m reach.Matrix) []row {
	type key struct {
		target  string
		outcome reach.Outcome
		reason  string
	}
	index := map[key]int{}
	var out []row
	for _, r := range m.Edges {
		k := key{targetOf(r.Edge), r.Outcome, r.Reason}
		if r.Outcome == reach.Reachable {
			k.reason = "" // why it works is for the JSON report
		}
		i, ok := index[k]
		if !ok {
			i = len(out)
			index[k] = i
			out = append(out, row{namespaceOf(r.To), k.target, k.outcome, k.reason, nil})
		}
		out[i].sources = append(out[i].sources, r.From)
	}
	slices.SortStableFunc(out, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.target, b.target),
			cmp.Compare(b.outcome, a.outcome), cmp.Compare(a.reason, b.reason))
	})
	return out
}

func targetOf(e reach.Edge) string {
	if e.Host == "" && e.Path == "" {
		return e.To
	}
	return e.To + " (" + e.Host + e.Path + ")"
}

// namespaceOf is the namespace of an endpoint; what has none is outside the cluster.
func namespaceOf(endpoint string) string {
	kind, rest, _ := strings.Cut(endpoint, "/")
	namespace, _, ok := strings.Cut(rest, "/")
	if !ok || kind == "ip" {
		return "outside"
	}
	return namespace
}

func matrixText(w io.Writer, m reach.Matrix, options Options) error {
	p := &printer{Options: options}
	p.line("%s", p.paint(bold, matrixTally(m)))
	p.line("graded %s", gradeOf(m.Grade))
	p.notes("note: ", m.Notes)
	shown, left := cut(rows(m), p.limit(matrixRows))
	for i, r := range shown {
		if i == 0 || shown[i-1].namespace != r.namespace {
			p.line("\n%s", p.paint(bold, printable.Line(r.namespace)))
		}
		p.row(r)
	}
	p.more("\n", left, "row")
	_, err := io.WriteString(w, p.String())
	return err
}

// matrixTally is never empty: no edges is a thing to say.
func matrixTally(m reach.Matrix) string {
	if len(m.Edges) == 0 {
		return "no edges: nothing publishes a route or a service here, and no check declares one"
	}
	return tally(m)
}

func (p *printer) row(r row) {
	p.item("  "+p.glyph(outcomeTone(r.outcome))+" ", "", r.target)
	sources, left := cut(r.sources, p.limit(matrixSources))
	text := "from " + strings.Join(sources, ", ")
	if left > 0 {
		text += fmt.Sprintf(", … and %d more (-v shows all)", left)
	}
	p.item("      ", faint, text)
	if r.outcome != reach.Reachable {
		p.item("      ", outcomeTone(r.outcome).style(), r.outcome.String()+": "+cmp.Or(r.reason, "no reason was given"))
	}
}

func matrixJUnit(w io.Writer, m reach.Matrix) error {
	cases := make([]junitCase, len(m.Edges))
	for i, r := range m.Edges {
		c := junitCase{Class: "stagegate.reach." + namespaceOf(r.To), Name: r.Edge.String()}
		switch r.Outcome {
		case reach.Reachable:
			cases[i] = c
		case reach.Unreachable:
			cases[i] = c.fail(r.Outcome.String(), r.Reason)
		default:
			cases[i] = c.error(r.Outcome.String(), r.Reason)
		}
	}
	return writeJUnit(w, "", []junitSuite{newSuite("reachability ("+gradeOf(m.Grade)+")", cases)})
}

func matrixMarkdown(w io.Writer, m reach.Matrix) error {
	return fit(w, func(limit int) string {
		d := &markdown{limit: limit}
		d.line("<!-- stagegate-reach -->\n## Reachability\n\n**%s.** Graded **%s**.", capital(matrixTally(m)), gradeOf(m.Grade))
		d.notes(m.Notes)
		d.rows(rows(m))
		return d.String()
	})
}

// rows has a table for each namespace.
func (m *markdown) rows(list []row) {
	shown, left := cut(list, m.limit)
	for i, r := range shown {
		if i == 0 || shown[i-1].namespace != r.namespace {
			m.line("\n### %s\n\n| | target | from | why |\n|---|---|---|---|", prose(r.namespace))
		}
		sources, more := cut(r.sources, matrixSources)
		from := make([]string, len(sources))
		for j, s := range sources {
			from[j] = code(s)
		}
		if more > 0 {
			from = append(from, fmt.Sprintf("… and %d more", more))
		}
		m.line("| %s | %s | %s | %s |", outcomeTone(r.outcome).icon(), code(r.target), strings.Join(from, "<br>"), prose(r.reason))
	}
	m.more(left, "row")
}
