//go:build e2e

package e2e

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
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/report"
)

// program is the compiled command line in a directory of its own: environments, changes
// and state.
type program struct {
	binary, dir string
}

// newProgram builds stagegate and its probe, and unpacks the environments and changes that
// the project ships with, for kind clusters of the given names.
func newProgram(t *testing.T, staging, production string) *program {
	t.Helper()
	p := &program{dir: t.TempDir()}
	p.binary = filepath.Join(p.dir, "bin", "stagegate")
	if out, err := exec.Command("go", "build", "-o", p.binary, "../../cmd/stagegate").CombinedOutput(); err != nil {
		t.Fatalf("building stagegate: %v\n%s", err, out)
	}
	if err := os.Rename(buildProbe(t), filepath.Join(p.dir, "bin", "stagegate-probe")); err != nil {
		t.Fatal(err)
	}
	for _, tree := range []struct{ from, to string }{{"../../environments", "environments"}, {"../../testdata/changes", "changes"}} {
		if err := os.CopyFS(filepath.Join(p.dir, tree.to), os.DirFS(tree.from)); err != nil {
			t.Fatal(err)
		}
	}
	for name, clusterName := range map[string]string{"staging": staging, "production": production} {
		p.edit(t, "environments/"+name+".yaml", "embedded: {}", "kind: {}", "clusterName: "+name, "clusterName: "+clusterName)
	}
	return p
}

// path is a path in the program's directory.
func (p *program) path(name string) string { return filepath.Join(p.dir, name) }

// edit replaces strings in a file, pair by pair; each must be there.
func (p *program) edit(t *testing.T, name string, pairs ...string) {
	t.Helper()
	content, err := os.ReadFile(p.path(name))
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
	p.write(t, name, text)
}

func (p *program) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(p.path(name)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.path(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (p *program) command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, p.binary, append([]string{"--environments", "environments"}, args...)...)
	c.Dir = p.dir
	c.Env = append(os.Environ(), "STAGEGATE_HOME="+p.path("state"))
	return c
}

// run runs a command line to its end, and wants it to end with the exit code.
func (p *program) run(t *testing.T, exit int, args ...string) (stdout string) {
	t.Helper()
	stdout, _ = p.runWatched(t, exit, func(string, *os.Process) {}, args...)
	return stdout
}

// runWatched is run with each line of progress handed to watch as it comes.
func (p *program) runWatched(t *testing.T, exit int, watch func(line string, process *os.Process), args ...string) (stdout, stderr string) {
	t.Helper()
	c := p.command(context.WithoutCancel(t.Context()), args...)
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

// result runs a command line that gates a change, and returns its result.
func (p *program) result(t *testing.T, exit int, args ...string) report.Result {
	t.Helper()
	p.run(t, exit, append(args, "--report", "result.json")...)
	if t.Failed() {
		t.FailNow()
	}
	var r report.Result
	content, err := os.ReadFile(p.path("result.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// interrupt runs a command line and interrupts it, as Ctrl-C does, when a line of its
// progress contains the text. It must end with the exit code.
func (p *program) interrupt(t *testing.T, exit int, at string, args ...string) {
	t.Helper()
	var once sync.Once
	_, said := p.runWatched(t, exit, func(line string, process *os.Process) {
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

// environment is the part of a result that is about an environment.
func environment(t *testing.T, r report.Result, name string) report.Environment {
	t.Helper()
	for _, e := range r.Environments {
		if e.Name == name {
			return e
		}
	}
	t.Fatalf("the run did not come to %s", name)
	return report.Environment{}
}

// engine runs docker, or what stands in for it.
func engine(t *testing.T, in io.Reader, args ...string) string {
	t.Helper()
	c := exec.Command("docker", args...)
	c.Stdin = in
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
