package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// module writes a small program in the place of the control plane, and keeps its builds
// in a cache of the test's own.
func module(t *testing.T, source string) string {
	t.Helper()
	compiled, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOCACHE", strings.TrimSpace(string(compiled)))
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", "")
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod": "module " + modulePath + "\n\ngo 1.26\n", "main.go": source, linkerFlags: "-s -w\n",
	} {
		write(t, filepath.Join(dir, name), content)
	}
	return dir
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func silent(string, ...any) {}

func TestBuildIsCachedByContent(t *testing.T) {
	dir := module(t, "package main\n\nfunc main() { println(1) }\n")
	var said strings.Builder
	progress := func(format string, args ...any) { fmt.Fprintf(&said, format+"\n", args...) }
	first, err := build(t.Context(), dir, progress)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "built "+program) {
		t.Errorf("progress was %q; want the build named", said.String())
	}
	said.Reset()
	write(t, filepath.Join(dir, "main_test.go"), "package main\n")
	again, err := build(t.Context(), dir, progress)
	if err != nil || again != first || said.Len() > 0 {
		t.Errorf("second build = %s, %v, saying %q; want %s from the cache", again, err, said.String(), first)
	}
	write(t, filepath.Join(dir, "main.go"), "package main\n\nfunc main() { println(2) }\n")
	changed, err := build(t.Context(), dir, progress)
	if err != nil || changed == first {
		t.Errorf("build after a change = %s, %v; want another path", changed, err)
	}
	if output, err := exec.Command(changed).CombinedOutput(); err != nil || string(output) != "2\n" {
		t.Errorf("the program says %q, %v; want 2", output, err)
	}
}

func TestBuildFailureNamesTheReasonAndLeavesNothing(t *testing.T) {
	dir := module(t, "package main\n\nfunc main() { undefined() }\n")
	path, err := build(t.Context(), dir, silent)
	if err == nil || !strings.Contains(err.Error(), "main.go:3:15: undefined: undefined") {
		t.Errorf("build = %q, %v; want the compiler's message", path, err)
	}
	key, err := contentKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(cache, "stagegate", program, key, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestBuildIsCancelled(t *testing.T) {
	dir := module(t, "package main\n\nfunc main() {}\n")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := build(ctx, dir, silent); !errors.Is(err, context.Canceled) {
		t.Errorf("build = %v; want context.Canceled", err)
	}
}

func TestPruneKeepsTheNewest(t *testing.T) {
	builds := t.TempDir()
	now := time.Now()
	for age := range keptBuilds + 2 {
		path := filepath.Join(builds, fmt.Sprint(age), program)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, path, "")
		when := now.Add(-time.Duration(age) * time.Hour)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	if err := prune(builds); err != nil {
		t.Fatal(err)
	}
	for age := range keptBuilds + 2 {
		_, err := os.Stat(filepath.Join(builds, fmt.Sprint(age)))
		if kept := err == nil; kept != (age < keptBuilds) {
			t.Errorf("the build that is %d hours old is kept: %v", age, kept)
		}
	}
}
