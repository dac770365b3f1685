package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/reach"
)

// Format is a report's format, as --output names it.
type Format string

// The formats.
const (
	FormatText     Format = "text"
	FormatJSON     Format = "json"
	FormatMarkdown Format = "markdown" // a pull-request comment
	FormatJUnit    Format = "junit"
)

// Formats are all formats, the default first.
func Formats() []Format {
	return []Format{FormatText, FormatJSON, FormatMarkdown, FormatJUnit}
}

// ParseFormat finds the format of that name.
func ParseFormat(name string) (Format, error) {
	if f := Format(name); slices.Contains(Formats(), f) {
		return f, nil
	}
	var names []string
	for _, f := range Formats() {
		names = append(names, string(f))
	}
	return "", fmt.Errorf("unknown output format %q: use one of %s", name, strings.Join(names, ", "))
}

// Options are how text is written; the other formats have none.
type Options struct {
	Color bool
	// Width is the terminal's, in columns; 0 wraps no lines.
	Width int
	// Verbose leaves nothing out: every edge, object and field.
	Verbose bool
}

// Write writes a result in a format.
func Write(format Format, w io.Writer, r Result, options Options) error {
	switch format {
	case FormatText:
		return Text(w, r, options)
	case FormatJSON:
		return JSON(w, r)
	case FormatMarkdown:
		return Markdown(w, r)
	case FormatJUnit:
		return JUnit(w, r)
	}
	return fmt.Errorf("writing the report: unknown format %q", format)
}

// WriteMatrix writes a reachability matrix in a format.
func WriteMatrix(format Format, w io.Writer, m reach.Matrix, options Options) error {
	m.Edges = slices.Clone(m.Edges)
	m.Sort()
	switch format {
	case FormatText:
		return matrixText(w, m, options)
	case FormatJSON:
		return matrixJSON(w, m)
	case FormatMarkdown:
		return matrixMarkdown(w, m)
	case FormatJUnit:
		return matrixJUnit(w, m)
	}
	return fmt.Errorf("writing the matrix: unknown format %q", format)
}
