// Package terraformtest has what tests of several packages need to run a real Terraform.
package terraformtest

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Need skips a test, and says so, where there is no Terraform to run.
func Need(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skip("skipped: there is no terraform on PATH, and this test runs a real one")
	}
}

// Dump reads every file below a directory, for comparisons before and after.
func Dump(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	files := os.DirFS(dir)
	err := fs.WalkDir(files, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, path)
		all[filepath.Join(dir, path)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Counted puts a terraform first on PATH that notes its subcommands, and runs the real
// one. The function returned lists them.
func Counted(t *testing.T) func() []string {
	t.Helper()
	Need(t)
	real, err := exec.LookPath("terraform")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	script := "#!/bin/sh\necho \"$1\" >> " + log + "\nexec " + real + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "terraform"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return func() []string {
		content, err := os.ReadFile(log)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		return strings.Fields(string(content))
	}
}
