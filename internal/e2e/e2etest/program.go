//go:build e2e

// Package e2etest runs the compiled program for the end-to-end tests.
package e2etest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/cluster/kind/kindtest"
	"github.com/stagegate/stagegate/internal/filetest"
	"github.com/stagegate/stagegate/internal/report"
)

// Program is the compiled command line in a directory of its own: environments, changes
// and state.
type Program struct {
	Binary, Dir string
}

// New builds stagegate and its probe, and unpacks the environments and changes that
// the project ships with, for kind clusters of the given names.
func New(t *testing.T, staging, production string) *Program {
	t.Helper()
	p := &Program{Dir: t.TempDir()}
	p.Binary = filepath.Join(p.Dir, "bin", "stagegate")
	if out, err := exec.Command("go", "build", "-o", p.Binary, "../../../cmd/stagegate").CombinedOutput(); err != nil {
		t.Fatalf("building stagegate: %v\n%s", err, out)
	}
	if err := os.Rename(BuildProbe(t), filepath.Join(p.Dir, "bin", "stagegate-probe")); err != nil {
		t.Fatal(err)
	}
	for _, tree := range []struct{ from, to string }{{"../../../environments", "environments"}, {"../../../testdata/changes", "changes"}} {
		if err := os.CopyFS(filepath.Join(p.Dir, tree.to), os.DirFS(tree.from)); err != nil {
			t.Fatal(err)
		}
	}
	config := kindtest.Config(t)
	for name, clusterName := range map[string]string{"staging": staging, "production": production} {
		p.Edit(t, "environments/"+name+".yaml", "embedded: {}", "kind: {config: "+config+"}", "clusterName: "+name, "clusterName: "+clusterName)
	}
	// Some scenarios leave a cluster cut off for good, and wait for this long to know it.
	p.Edit(t, "environments/staging.yaml", "settleTimeout: 1m", "settleTimeout: 20s")
	p.Edit(t, "environments/production.yaml", "readyTimeout: 5m", "readyTimeout: 5m\n    settleTimeout: 20s")
	return p
}

// Path is a path in the program's directory.
func (p *Program) Path(name string) string { return filepath.Join(p.Dir, name) }

// Edit replaces strings in a file, pair by pair; each must be there.
func (p *Program) Edit(t *testing.T, name string, pairs ...string) {
	t.Helper()
	content, err := os.ReadFile(p.Path(name))
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%s does not contain %q", name, pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	p.Write(t, name, text)
}

// Write writes a file in the program's directory.
func (p *Program) Write(t *testing.T, name, text string) {
	t.Helper()
	filetest.Write(t, p.Path(name), text)
}

// Command is a command line that has not been started.
func (p *Program) Command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, p.Binary, append([]string{"--environments", "environments"}, args...)...)
	c.Dir = p.Dir
	c.Env = append(os.Environ(), "STAGEGATE_HOME="+p.Path("state"))
	return c
}

// Run runs a command line to its end, and wants it to end with the exit code.
func (p *Program) Run(t *testing.T, exit int, args ...string) (stdout string) {
	t.Helper()
	stdout, _ = p.RunWatched(t, exit, func(string, *os.Process) {}, args...)
	return stdout
}

// RunWatched is Run with each line of progress handed to watch as it comes.
func (p *Program) RunWatched(t *testing.T, exit int, watch func(line string, process *os.Process), args ...string) (stdout, stderr string) {
	t.Helper()
	c := p.Command(context.WithoutCancel(t.Context()), args...)
	var out bytes.Buffer
	c.Stdout = &out
	progress, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for lines := bufio.NewScanner(progress); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		watch(lines.Text(), c.Process)
	}
	err = c.Wait()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	t.Logf("stagegate %s: exit %d after %s\n%s%s", strings.Join(args, " "), c.ProcessState.ExitCode(), time.Since(began).Round(100*time.Millisecond), said.String(), out.String())
	if got := c.ProcessState.ExitCode(); got != exit {
		t.Errorf("stagegate %s: exit %d, want %d", strings.Join(args, " "), got, exit)
	}
	return out.String(), said.String()
}

// Result runs a command line that gates a change, and returns its result.
func (p *Program) Result(t *testing.T, exit int, args ...string) report.Result {
	t.Helper()
	p.Run(t, exit, append(args, "--report", "result.json")...)
	if t.Failed() {
		t.FailNow()
	}
	var r report.Result
	content, err := os.ReadFile(p.Path("result.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// Interrupt runs a command line and interrupts it, as Ctrl-C does, when a line of its
// progress contains the text. It must end with the exit code.
func (p *Program) Interrupt(t *testing.T, exit int, at string, args ...string) {
	t.Helper()
	var once sync.Once
	_, said := p.RunWatched(t, exit, func(line string, process *os.Process) {
		if strings.Contains(line, at) {
			once.Do(func() {
				if err := process.Signal(syscall.SIGINT); err != nil {
					t.Error(err)
				}
			})
		}
	}, args...)
	if !strings.Contains(said, at) {
		t.Errorf("it never came to %q", at)
	}
}

// Environment is the part of a result that is about an environment.
func Environment(t *testing.T, r report.Result, name string) report.Environment {
	t.Helper()
	for _, e := range r.Environments {
		if e.Name == name {
			return e
		}
	}
	t.Fatalf("the run did not come to %s", name)
	return report.Environment{}
}

// BuildProbe builds the probe for the nodes, and returns its path.
func BuildProbe(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stagegate-probe-linux-"+runtime.GOARCH)
	BuildForNodes(t, path, "github.com/stagegate/stagegate/cmd/stagegate-probe")
	return path
}

// BuildForNodes builds a static program that runs in the nodes of a cluster.
func BuildForNodes(t *testing.T, path, pkg string) {
	t.Helper()
	command := exec.Command("go", "build", "-ldflags=-s -w", "-o", path, pkg)
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", pkg, err, out)
	}
}

// Engine runs docker, or what stands in for it.
func Engine(t *testing.T, in io.Reader, args ...string) string {
	t.Helper()
	c := exec.Command("docker", args...)
	c.Stdin = in
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
