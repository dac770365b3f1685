package terraform

import (
	"strings"
	"testing"
)

func TestLongDetailsAreCut(t *testing.T) {
	got := ends("begin" + strings.Repeat("x", 10_000) + "the reason")
	if !strings.HasPrefix(got, "begin") || !strings.HasSuffix(got, "the reason") || len(got) > 1300 {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}
