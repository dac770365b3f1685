//go:build e2e

package e2etest

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// measuresVariable names a file that gets a row of a Markdown table for each measure.
const measuresVariable = "STAGEGATE_MEASURES"

// Measured notes how long something took beside what the cluster needs for it by itself,
// what is aimed at, and how busy the machine was. Nothing fails: a busy machine proves nothing.
func Measured(t *testing.T, what string, took, own, aim time.Duration) {
	t.Helper()
	beside := "-"
	if own > 0 {
		beside = own.Round(10 * time.Millisecond).String()
	}
	row := fmt.Sprintf("| %s | %s | %s | %s | %s |", what, took.Round(10*time.Millisecond), beside, aim.Round(10*time.Millisecond), load(t))
	t.Log(row)
	path := os.Getenv(measuresVariable)
	if path == "" {
		return
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := fmt.Fprintln(file, row); err != nil {
		t.Fatal(err)
	}
}

// load is how many processes wanted to run in the last minute, and on how many processors.
func load(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(content), " ")
	return fmt.Sprintf("%s on %d", one, runtime.NumCPU())
}
