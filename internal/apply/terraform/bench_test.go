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

// BenchmarkOverhead reports, as the time of an operation, what planning, applying and
// committing takes beside what Terraform's own commands take.
func BenchmarkOverhead(b *testing.B) {
	took := timed(b)
	bench := newBench(b, "staging", first)
	var own time.Duration
	rounds := 0
	for b.Loop() {
		before := took()
		began := time.Now()
		bench.apply(true)
		own += time.Since(began) - (took() - before)
		rounds++
	}
	each := own / time.Duration(rounds)
	b.ReportMetric(float64(each.Nanoseconds()), "ns/op")
	if each > ownBound {
		b.Errorf("%s beside Terraform's commands, more than %s", each, ownBound)
	}
}

// timed puts a terraform first on PATH that runs the real one and notes how long it took;
// the function returned sums that up.
func timed(b *testing.B) func() time.Duration {
	b.Helper()
	terraformtest.Need(b)
	real, err := exec.LookPath("terraform")
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	log := filepath.Join(dir, "log")
	script := "#!/bin/sh\nbegan=$(date +%s%N)\n" + real + " \"$@\"\ncode=$?\necho $(($(date +%s%N) - began)) >> " + log + "\nexit $code\n"
	if err := os.WriteFile(filepath.Join(dir, "terraform"), []byte(script), 0o755); err != nil {
		b.Fatal(err)
	}
	b.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return func() time.Duration {
		content, err := os.ReadFile(log)
		if err != nil && !os.IsNotExist(err) {
			b.Fatal(err)
		}
		var sum time.Duration
		for _, line := range strings.Fields(string(content)) {
			n, err := strconv.ParseInt(line, 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			sum += time.Duration(n)
		}
		return sum
	}
}
