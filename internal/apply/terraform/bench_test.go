package terraform_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/terraform/terraformtest"
)

// ownBound is how much a run may take beside Terraform's own commands.
const ownBound = time.Second

// BenchmarkOwnOverhead reports, as the time of an operation, what planning, applying and
// committing takes beside what Terraform's own commands take, and how many of these there are.
func BenchmarkOwnOverhead(b *testing.B) {
	commands := timed(b)
	bench := newBench(b, "staging", first)
	var own time.Duration
	rounds, ran := 0, map[string]int{}
	for b.Loop() {
		before := commands()
		began := time.Now()
		bench.apply(true)
		took := time.Since(began)
		for _, c := range commands()[len(before):] {
			took -= c.took
			ran[c.name]++
		}
		own += took
		rounds++
	}
	each := own / time.Duration(rounds)
	b.ReportMetric(float64(each.Nanoseconds()), "ns/op")
	for _, name := range []string{"init", "plan"} {
		b.ReportMetric(float64(ran[name])/float64(rounds), name+"s/op")
	}
	if each > ownBound {
		b.Errorf("%s beside Terraform's commands, more than %s", each, ownBound)
	}
}

// command is one that Terraform was run for.
type command struct {
	name string
	took time.Duration
}

// timed puts a terraform first on PATH that runs the real one and notes how long it took;
// the function returned lists what was run.
func timed(b *testing.B) func() []command {
	b.Helper()
	terraformtest.Need(b)
	real, err := exec.LookPath("terraform")
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	log := filepath.Join(dir, "log")
	script := "#!/bin/sh\nbegan=$(date +%s%N)\n" + real + " \"$@\"\ncode=$?\necho $1 $(($(date +%s%N) - began)) >> " + log + "\nexit $code\n"
	if err := os.WriteFile(filepath.Join(dir, "terraform"), []byte(script), 0o755); err != nil {
		b.Fatal(err)
	}
	b.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return func() []command {
		content, err := os.ReadFile(log)
		if err != nil && !os.IsNotExist(err) {
			b.Fatal(err)
		}
		var all []command
		for line := range strings.Lines(string(content)) {
			name, nanoseconds, _ := strings.Cut(strings.TrimSpace(line), " ")
			n, err := strconv.ParseInt(nanoseconds, 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			all = append(all, command{name, time.Duration(n)})
		}
		return all
	}
}
