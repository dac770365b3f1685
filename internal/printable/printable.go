// Package printable makes text from clusters and users safe to show. Object names,
// annotations and server messages may hold terminal escape sequences, bidirectional
// overrides or newlines; shown as they are, they could forge a report.
package printable

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line returns s as one line: white space runs become one space, and what does not print
// (controls, formats, bytes that are not UTF-8) is written as a Go escape, such as \x1b.
func Line(s string) string {
	return strings.Join(strings.Fields(escape(s)), " ")
}

// Lines returns the lines of s, each as Line makes it, without empty ones.
func Lines(s string) []string {
	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		if line = Line(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// Truncate cuts s to at most width runes; the last one of a cut text is "…". A width of
// zero or less does not cut.
func Truncate(s string, width int) string {
	if width <= 0 || utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:width-1]) + "…"
}

// Value writes a decoded JSON value: a string as it is, null as nothing, others as JSON. It
// may still hold what does not print; see Line.
func Value(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	content, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(content)
}

func escape(s string) string {
	var b strings.Builder
	for i, r := range s {
		_, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\x` + strconv.FormatUint(uint64(s[i]), 16))
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		default:
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}
