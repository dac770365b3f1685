package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/stagegate/stagegate/internal/printable"
)

// ANSI colours, by meaning.
const (
	reset  = "\x1b[0m"
	bold   = "\x1b[1m"
	faint  = "\x1b[2m"
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
)

// printer builds a text of lines; all that comes from outside passes through it, and so
// is made printable.
type printer struct {
	strings.Builder
	Options
}

// paint wraps s in a style where colours are on.
func (p *printer) paint(style, s string) string {
	if !p.Color || s == "" {
		return s
	}
	return style + s + reset
}

// line writes one line that is made of safe parts.
func (p *printer) line(format string, args ...any) {
	p.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

// item writes text from outside behind a lead, wrapped to the width with the text's
// further lines under its first.
func (p *printer) item(lead, style, text string) {
	indent := strings.Repeat(" ", columns(lead))
	for _, line := range wrap(printable.Line(text), p.Width-len(indent)) {
		p.line("%s%s", lead, p.paint(style, line))
		lead = indent
	}
}

// columns is how wide a lead is, not counting its colours.
func columns(lead string) int {
	for _, style := range []string{reset, bold, faint, red, green, yellow} {
		lead = strings.ReplaceAll(lead, style, "")
	}
	return utf8.RuneCountInString(lead)
}

// more says how much was left out.
func (p *printer) more(indent string, n int, noun string) {
	if n > 0 {
		p.line("%s%s", indent, p.paint(faint, "… and "+count(n, "more "+noun)+" (-v shows all)"))
	}
}

// limit is how many elements a list shows: fewer unless verbose.
func (p *printer) limit(n int) int {
	if p.Verbose {
		return -1
	}
	return n
}

// wrap breaks a line at spaces, to at most width runes where its words allow it. A width
// too small to read is taken as none.
func wrap(line string, width int) []string {
	const readable = 20
	if width < readable {
		return []string{line}
	}
	var out []string
	var current string
	for word := range strings.FieldsSeq(line) {
		switch {
		case current == "":
			current = word
		case utf8.RuneCountInString(current)+1+utf8.RuneCountInString(word) <= width:
			current += " " + word
		default:
			out = append(out, current)
			current = word
		}
	}
	return append(out, current)
}
