package printable_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/printable"
)

func TestLine(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "pod shop/web", "pod shop/web"},
		{"unicode letters", "größe → 店", "größe → 店"},
		{"terminal escape", "a\x1b[2Jb", `a\x1b[2Jb`},
		{"C1 control sequence introducer", "a\u009b31mb", `a\u009b31mb`},
		{"carriage return", "blocked\rpass   ", "blocked pass"},
		{"newline", "a\n\tb", "a b"},
		{"bidirectional override", "a\u202eb", `a\u202eb`},
		{"line separator", "a\u2028b", "a b"},
		{"invalid byte", "a\xffb", `a\xffb`},
		{"bell, null", "\a\x00", `\a\x00`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := printable.Line(tt.in); got != tt.want {
				t.Errorf("Line(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestLines(t *testing.T) {
	got := printable.Lines("a: b\r\n\n  c\x1b\n")
	if d := cmp.Diff([]string{"a: b", `c\x1b`}, got); d != "" {
		t.Error(d)
	}
}

func TestTruncate(t *testing.T) {
	tests := []struct {
		in    string
		width int
		want  string
	}{
		{"short", 5, "short"}, {"longer", 5, "long…"}, {"日本語日本", 3, "日本…"}, {"any", 0, "any"}, {"ab", 1, "…"},
	}
	for _, tt := range tests {
		if got := printable.Truncate(tt.in, tt.width); got != tt.want {
			t.Errorf("Truncate(%q, %d) = %q, want %q", tt.in, tt.width, got, tt.want)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("a\x1b[0m\u202e\xff\n")
	f.Fuzz(func(t *testing.T, s string) {
		got := printable.Line(s)
		if !utf8.ValidString(got) {
			t.Errorf("%q is not UTF-8", got)
		}
		if i := strings.IndexFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%q has a rune that does not print at %d", got, i)
		}
	})
}
