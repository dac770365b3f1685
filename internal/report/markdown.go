package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/stagegate/stagegate/internal/printable"
)

// markdownMax is GitHub's limit for a comment, 65,536 characters, less some room.
const markdownMax = 65_000

// Markdown writes a pull-request comment. It begins with a hidden marker, the same for
// each report of this command on this change, by which CI finds the comment to update.
// Lists are shortened until the comment fits; what was left out is counted.
func Markdown(w io.Writer, r Result) error {
	return fit(w, func(limit int) string {
		m := &markdown{limit: limit}
		m.result(r)
		return m.String()
	})
}

// fit writes the longest rendering that a comment can hold.
func fit(w io.Writer, render func(limit int) string) error {
	const most = 200
	s := render(most)
	for limit := most / 2; len(s) > markdownMax && limit > 0; limit /= 2 {
		s = render(limit)
	}
	if len(s) > markdownMax {
		s = strings.ToValidUTF8(s[:markdownMax], "") + "\n\n**The rest of this report was left out: it does not fit into a comment.**\n"
	}
	_, err := io.WriteString(w, s)
	return err
}

// markdown builds a comment whose lists have at most limit entries.
type markdown struct {
	strings.Builder
	limit int
}

func (m *markdown) line(format string, args ...any) { fmt.Fprintf(m, format+"\n", args...) }

func (m *markdown) more(n int, noun string) {
	if n > 0 {
		m.line("\n… and %s, left out here; the JSON report has all.", count(n, "more "+noun))
	}
}

func (m *markdown) result(r Result) {
	h := headlineOf(r)
	m.line("<!-- stagegate-report: %s %s -->", comment(r.Command), comment(r.Change.Name))
	m.line("## %s stagegate %s: %s", h.tone.icon(), prose(r.Command), h.title)
	m.line("\n**%s.** Exit code %d.", capital(h.say), r.ExitCode)
	if r.Change.Name != "" {
		m.line("\nChange %s (%s, digest %s), run %s, took %s.", code(r.Change.Name), prose(string(r.Change.Kind)),
			code(r.Change.Digest.Short()), code(r.RunID), took(r.Duration))
	}
	if r.Error != "" {
		m.line("\n### Error\n")
		for _, line := range printable.Lines(r.Error) {
			m.line("- %s", prose(line))
		}
	}
	for _, e := range r.Environments {
		m.environment(e)
	}
	m.next(r.Next)
}

func (m *markdown) next(steps []string) {
	if len(steps) == 0 {
		return
	}
	m.line("\n### Next\n")
	for i, s := range steps {
		m.line("%d. %s", i+1, prose(s))
	}
}

func (t tone) icon() string { return [...]string{good: "✅", doubtful: "⚠️", bad: "❌"}[t] }

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// details writes a part that is folded away.
func (m *markdown) details(summary string, body func()) {
	m.line("\n<details><summary>%s</summary>\n", summary)
	body()
	m.line("\n</details>")
}
