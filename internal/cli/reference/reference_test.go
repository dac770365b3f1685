package reference_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/cli"
	"github.com/stagegate/stagegate/internal/cli/reference"
)

var update = flag.Bool("update", false, "write docs/reference")

const dir = "../../../docs/reference"

// The reference in the repository is what the commands say: make docs writes it.
func TestReferenceIsUpToDate(t *testing.T) {
	root := cli.NewRoot(cli.Streams{In: &bytes.Buffer{}, Out: &bytes.Buffer{}, Err: &bytes.Buffer{}})
	pages, err := reference.Pages(root)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		write(t, pages)
	}
	if d := cmp.Diff(read(t), pages); d != "" {
		t.Errorf("docs/reference is stale: run make docs (-have +want):\n%s", d)
	}
	for name, page := range pages {
		if home := os.Getenv("HOME"); len(home) > 1 && strings.Contains(page, home) {
			t.Errorf("%s names the home directory of whoever wrote it", name)
		}
	}
}

func write(t *testing.T, pages map[string]string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, page := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		pages[filepath.Base(file)] = string(content)
	}
	return pages
}
