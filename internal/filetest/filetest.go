// Package filetest writes the files that tests read.
package filetest

import (
	"os"
	"path/filepath"
	"testing"
)

// Directory writes files, by their paths in it, into a new directory that goes with the test.
func Directory(t testing.TB, files map[string]string) string {
	t.Helper()
	return Into(t, t.TempDir(), files)
}

// Into writes files, by their paths in it, into a directory, and returns that.
func Into(t testing.TB, dir string, files map[string]string) string {
	t.Helper()
	for name, content := range files {
		Write(t, filepath.Join(dir, name), content)
	}
	return dir
}

// Write writes one file, with the directories that it lies in.
func Write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
