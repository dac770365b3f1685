package kind

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/config"
)

// A cluster that was made otherwise than is wanted now is known as such.
func TestChanged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kind.yaml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := func(spec config.KindProvider) record {
		t.Helper()
		r, err := New(spec, "").wanted()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	write("nodes: 1")
	made := want(config.KindProvider{Image: "a", Config: file})
	for spec, why := range map[config.KindProvider]string{
		{Image: "a", Config: file}: "", {Image: "b", Config: file}: "made of the node image a, and b is wanted", {Image: "a"}: "configuration has changed",
	} {
		if got := made.changed(want(spec)); got == "" != (why == "") || !strings.Contains(got, why) {
			t.Errorf("%+v: %q; want %q", spec, got, why)
		}
	}
	write("nodes: 2")
	if made.changed(want(config.KindProvider{Image: "a", Config: file})) == "" {
		t.Error("another configuration in the same file is not noticed")
	}
}
