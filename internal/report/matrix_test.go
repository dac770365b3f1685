package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/report"
)

func matrix() reach.Matrix {
	edge := func(from, to string, o reach.Outcome, reason string) reach.Result {
		return reach.Result{Edge: reach.Edge{From: from, To: to}, Outcome: o, Reason: reason}
	}
	const policy = "NetworkPolicy shop/db: no ingress rule allows namespace other"
	return reach.Matrix{Grade: reach.Modelled, Edges: []reach.Result{
		edge("deployment/shop/web", "service/shop/db:5432/TCP", reach.Reachable, "allowed by NetworkPolicy shop/db"),
		edge("deployment/other/b", "service/shop/db:5432/TCP", reach.Unreachable, policy),
		edge("deployment/other/a", "service/shop/db:5432/TCP", reach.Unreachable, policy),
		edge("deployment/shop/web", "ip/192.0.2.7:443/TCP", reach.Reachable, ""),
		edge("external", "ingress/blog/www", reach.Error, "no ingress controller serves class nginx"),
		edge("external", "service/blog/www:80/TCP", reach.Unknown, ""),
		{Edge: reach.Edge{From: "external", To: "ingress/shop/web", Host: "shop.example", Path: "/cart"}, Outcome: reach.Reachable},
	}}
}

func TestMatrixGolden(t *testing.T) {
	for _, format := range report.Formats() {
		t.Run(string(format), func(t *testing.T) {
			var b bytes.Buffer
			if err := report.WriteMatrix(format, &b, matrix(), report.Options{}); err != nil {
				t.Fatal(err)
			}
			golden(t, "matrix."+extension[format], b.Bytes())
		})
	}
}

func TestMatrixJSON(t *testing.T) {
	m := reach.Matrix{Grade: reach.Modelled, Edges: []reach.Result{
		{Edge: reach.Edge{From: "pod/a/b", To: "pod/c/d:80/TCP"}, Outcome: reach.Reachable, Reason: "no policy"},
	}}
	tests := []struct {
		name string
		m    reach.Matrix
		want string
	}{
		{"one edge", m, `{"grade":"modelled","edges":[{"from":"pod/a/b","to":"pod/c/d:80/TCP","outcome":"reachable","reason":"no policy"}]}`},
		{"no edges", reach.Matrix{Grade: reach.Live}, `{"grade":"live","edges":[]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b, compact bytes.Buffer
			if err := report.WriteMatrix(report.FormatJSON, &b, tt.m, report.Options{}); err != nil {
				t.Fatal(err)
			}
			if err := json.Compact(&compact, b.Bytes()); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, compact.String()); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestMatrixIsNotReordered(t *testing.T) {
	m := matrix()
	if err := report.WriteMatrix(report.FormatText, &bytes.Buffer{}, m, report.Options{}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(matrix(), m); d != "" {
		t.Error("writing changed the caller's matrix:", d)
	}
}

func TestEmptyMatrixSaysSo(t *testing.T) {
	var b bytes.Buffer
	if err := report.WriteMatrix(report.FormatText, &b, reach.Matrix{}, report.Options{}); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(b.String(), "no edges:") {
		t.Error(b.String())
	}
}

func TestLargeMatrix(t *testing.T) {
	m := reach.Matrix{Grade: reach.Modelled}
	for i := range 10_000 {
		e := reach.Edge{From: fmt.Sprintf("pod/ns-%d/p-%d", i%50, i), To: fmt.Sprintf("pod/ns-%d/web-%d:80/TCP", i%40, i%2000)}
		m.Edges = append(m.Edges, reach.Result{Edge: e, Outcome: reach.Unreachable, Reason: denied})
	}
	for _, format := range []report.Format{report.FormatText, report.FormatMarkdown} {
		var b bytes.Buffer
		if err := report.WriteMatrix(format, &b, m, report.Options{}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), " more rows") {
			t.Errorf("%s does not say what it left out", format)
		}
		if n := utf8.RuneCountInString(b.String()); format == report.FormatMarkdown && n > 65_536 {
			t.Errorf("%d characters do not fit into a comment", n)
		}
	}
}
