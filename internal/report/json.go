package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode"
	"unicode/utf16"

	"github.com/stagegate/stagegate/internal/reach"
)

// JSON writes the whole result. Empty lists are [], never null.
func JSON(w io.Writer, r Result) error {
	document := struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Result
	}{"stagegate.dev/v1alpha1", "Report", withLists(r)}
	content, err := encode(document, "  ")
	if err != nil {
		return fmt.Errorf("encoding the report: %w", err)
	}
	_, err = w.Write(content)
	return err
}

// matrixJSON writes one edge a line, so that large matrices can be searched and compared.
func matrixJSON(w io.Writer, m reach.Matrix) error {
	grade, err := encode(m.Grade, "")
	if err != nil {
		return fmt.Errorf("encoding the grade: %w", err)
	}
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, `{"grade":%s,"edges":[`, bytes.TrimSpace(grade))
	for i, edge := range m.Edges {
		line, err := encode(edge, "")
		if err != nil {
			return fmt.Errorf("encoding edge %s: %w", edge, err)
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		b.Write(bytes.TrimSpace(line))
	}
	b.WriteString("\n]}\n")
	return b.Flush() // keeps the first error of all writes
}

// encode keeps "->" readable, and escapes what a terminal could take for a command:
// such runes stand in strings only, where the escape means the same.
func encode(v any, indent string) ([]byte, error) {
	var b, out bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	for _, r := range b.String() {
		if r == '\n' || unicode.IsPrint(r) {
			out.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&out, `\u%04x`, unit)
		}
	}
	return out.Bytes(), nil
}

// withLists is the result with empty lists in the place of absent ones.
func withLists(r Result) Result {
	present(&r.Change.Parts)
	present(&r.Environments)
	r.Environments = slices.Clone(r.Environments)
	for i := range r.Environments {
		e := &r.Environments[i]
		present(&e.Steps)
		present(&e.Plan.Items)
		present(&e.Baseline.Edges)
		present(&e.After.Edges)
		present(&e.Decision.Findings)
		for _, list := range []*[]reach.Change{
			&e.Difference.Lost, &e.Difference.Opened, &e.Difference.Appeared, &e.Difference.Gone, &e.Difference.Unclear,
		} {
			present(list)
		}
	}
	return r
}

func present[T any](list *[]T) {
	if *list == nil {
		*list = []T{}
	}
}
