package durable_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stagegate/stagegate/internal/durable"
)

// wantOnly fails unless the directory holds one file with that content and mode.
func wantOnly(t *testing.T, name, content string, mode os.FileMode) {
	t.Helper()
	got, err := os.ReadFile(name)
	if err != nil || string(got) != content {
		t.Errorf("content = %q, %v; want %q", got, err, content)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != mode {
		t.Errorf("file = %v, %v; want mode %v", info, err, mode)
	}
	entries, err := os.ReadDir(filepath.Dir(name))
	if err != nil || len(entries) != 1 {
		t.Errorf("directory = %v, %v; want the file alone", entries, err)
	}
}

func TestWriteReplaces(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	for _, content := range []string{"one", "two"} {
		if err := durable.Write(name, []byte(content), 0o640); err != nil {
			t.Fatal(err)
		}
		wantOnly(t, name, content, 0o640)
	}
}

func TestCreateDoesNotReplace(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	if err := durable.Create(name, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := durable.Create(name, []byte("two"), 0o600); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error = %v, want that the file exists", err)
	}
	wantOnly(t, name, "one", 0o600)
}

func TestMissingDirectory(t *testing.T) {
	if err := durable.Write(filepath.Join(t.TempDir(), "none", "f"), nil, 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error = %v", err)
	}
}
