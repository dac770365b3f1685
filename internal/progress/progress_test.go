package progress

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPlain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		p := New(&b, Plain)
		s := p.Step("staging: baseline")
		time.Sleep(1200 * time.Millisecond)
		s.Update("%d of 40 edges", 1)
		s.Update("%d of 40 edges", 2) // too soon to print
		time.Sleep(3 * time.Second)
		s.Update("%d of 40 edges", 39)
		s.Done("40 edges")
		s.Fail(errors.New("after the end"))
		p.Note("applying %s", "calico\x1b[2J")
		p.Step("staging: apply").Fail(errors.New("creating Namespace shop:\nforbidden"))
		p.Close()
		want := `[    0.0s] staging: baseline …
[    1.2s] staging: baseline: 1 of 40 edges
[    4.2s] staging: baseline: 39 of 40 edges
[    4.2s] ✓ staging: baseline: 40 edges (4.2s)
[    4.2s] applying calico\x1b[2J
[    4.2s] staging: apply …
[    4.2s] ✗ staging: apply: creating Namespace shop: forbidden (0.0s)
`
		if d := cmp.Diff(want, b.String()); d != "" {
			t.Error(d)
		}
	})
}

// replay is what a terminal shows after these control sequences.
func replay(written string) string {
	var lines []string
	for written != "" {
		var up int
		if n, _ := fmt.Sscanf(written, cursorUp, &up); n == 1 {
			lines = lines[:len(lines)-up]
			written = written[strings.Index(written, eraseBelow)+len(eraseBelow):]
			continue
		}
		line, rest, _ := strings.Cut(written, "\n")
		lines, written = append(lines, line), rest
	}
	return strings.Join(lines, "\n")
}

func TestLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		p := New(&b, Live)
		shown := func(want string) {
			t.Helper()
			synctest.Wait()
			p.mu.Lock()
			defer p.mu.Unlock()
			if d := cmp.Diff(want, replay(b.String())); d != "" {
				t.Error(d)
			}
		}
		staging, production := p.Step("staging: cluster"), p.Step("production: cluster")
		staging.Update("starting etcd")
		time.Sleep(1050 * time.Millisecond)
		shown("⠋ staging: cluster 1.0s: starting etcd\n⠋ production: cluster 1.0s")
		production.Done("ready")
		p.Note("a note")
		shown("✓ production: cluster: ready (1.1s)\na note\n⠋ staging: cluster 1.1s: starting etcd")
		p.Close()
		p.Close()
		shown("✓ production: cluster: ready (1.1s)\na note")
		staging.Update("late")
		staging.Done("late")
		shown("✓ production: cluster: ready (1.1s)\na note")
	}) // which fails where a goroutine is left
}

func TestLiveLinesAreCutToTheTerminal(t *testing.T) {
	var b bytes.Buffer
	s := newScreen(&b)
	s.width = func() int { return 10 }
	s.show([]string{"a line longer than that"})
	if got := replay(b.String()); got != "a line lo…" {
		t.Errorf("shows %q", got)
	}
}

func TestQuiet(t *testing.T) {
	var b bytes.Buffer
	p := New(&b, Quiet)
	s := p.Step("plan")
	s.Update("x")
	p.Note("y")
	s.Done("z")
	p.Close()
	if b.Len() > 0 {
		t.Errorf("quiet wrote %q", b.String())
	}
}

func TestConcurrentSteps(t *testing.T) {
	var b bytes.Buffer
	p := New(&b, Live)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			s := p.Step(fmt.Sprintf("step %d", i))
			for n := range 50 {
				s.Update("%d", n)
			}
			s.Done("done")
		})
	}
	all.Wait()
	p.Close()
	if got := replay(b.String()); strings.Count(got, "✓") != 8 || strings.Count(got, "\n") != 7 {
		t.Errorf("not eight ended steps:\n%s", got)
	}
}

func TestModeFor(t *testing.T) {
	none := func(string) string { return "" }
	if m := ModeFor(&bytes.Buffer{}, false, none); m != Plain {
		t.Errorf("a buffer gets mode %d", m)
	}
	if m := ModeFor(&bytes.Buffer{}, true, none); m != Quiet {
		t.Errorf("quiet gets mode %d", m)
	}
}
