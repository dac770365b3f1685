package report

import (
	"strings"

	"github.com/stagegate/stagegate/internal/printable"
)

// Text from outside, in Markdown, is either code or prose; both are one line, cut to a
// length that keeps a comment readable.
const markdownCell = 400

// code is s as a code span: nothing inside it is markup, a mention or a link. Backticks
// and the bars that end a table's cell are replaced, since no escape holds everywhere.
func code(s string) string {
	s = printable.Truncate(printable.Line(s), markdownCell)
	return "`" + codeReplacer.Replace(s) + "`"
}

// prose is s with everything that Markdown or GitHub gives a meaning written as a
// character reference; a zero-width space keeps mentions and issue links from forming.
func prose(s string) string {
	return proseReplacer.Replace(printable.Truncate(printable.Line(s), markdownCell))
}

var (
	codeReplacer  = strings.NewReplacer("`", "'", "|", "¦")
	proseReplacer = strings.NewReplacer(
		"&", "&amp;", "<", "&lt;", ">", "&gt;", `\`, "&#92;", "`", "&#96;", "*", "&#42;", "_", "&#95;",
		"[", "&#91;", "]", "&#93;", "|", "&#124;", "~", "&#126;", "!", "&#33;",
		"://", "&#58;//", "www.", "www&#46;", "@", "@&#8203;", "#", "#&#8203;",
	)
)

// comment is s for the inside of an HTML comment.
func comment(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '.', r == '/':
			return r
		}
		return '_'
	}, s)
}
