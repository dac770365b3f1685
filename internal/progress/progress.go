// Package progress shows what a run is doing, on stderr: a small live view on a terminal,
// plain lines with the elapsed time elsewhere, nothing when it is to be quiet.
package progress

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/stagegate/stagegate/internal/printable"
)

// Mode is how progress is shown. The zero value shows nothing.
type Mode int

// The modes.
const (
	Quiet Mode = iota
	Plain      // one line for each event
	Live       // active steps are redrawn in place
)

// How often the live view is redrawn, and how often a step's updates are printed as lines.
const (
	redraw = 100 * time.Millisecond
	repeat = 2 * time.Second
)

// Progress shows the steps of a run. It is safe for concurrent use; write errors are
// ignored, since progress must not decide how a run ends.
type Progress struct {
	mode    Mode
	started time.Time

	mu     sync.Mutex
	screen screen
	active []*Step
	closed bool
	stop   chan struct{}
	idle   sync.WaitGroup
}

// New starts showing progress on w. Close ends it.
func New(w io.Writer, mode Mode) *Progress {
	p := &Progress{mode: mode, started: time.Now(), screen: newScreen(w), stop: make(chan struct{})}
	if mode == Live {
		p.idle.Go(p.animate)
	}
	return p
}

// Close takes the live view away and waits until nothing is written any more. Steps that
// are still going are left without an end. It may be called more than once.
func (p *Progress) Close() {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.stop)
		p.screen.show(nil)
	}
	p.mu.Unlock()
	p.idle.Wait()
}

// Step begins a step. Names of concurrent steps say which environment they belong to.
func (p *Progress) Step(name string) *Step {
	s := &Step{progress: p, name: printable.Line(name), started: time.Now()}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.active = append(p.active, s)
	s.printed = s.started
	p.plain("%s …", s.name)
	p.draw()
	return s
}

// Note shows one line that stays.
func (p *Progress) Note(format string, args ...any) {
	text := printable.Line(fmt.Sprintf(format, args...))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plain("%s", text)
	p.keep(text)
}

// plain writes a line with the time since the start, in plain mode only.
func (p *Progress) plain(format string, args ...any) {
	if p.mode == Plain && !p.closed {
		p.screen.write(fmt.Sprintf("[%7.1fs] ", time.Since(p.started).Seconds()) + fmt.Sprintf(format, args...))
	}
}

// keep writes a line above the live view, in live mode only.
func (p *Progress) keep(line string) {
	if p.mode == Live && !p.closed {
		p.screen.show(nil)
		p.screen.write(line)
		p.draw()
	}
}

// draw redraws the live view. The caller holds the lock.
func (p *Progress) draw() {
	if p.mode != Live || p.closed {
		return
	}
	lines := make([]string, len(p.active))
	for i, s := range p.active {
		lines[i] = s.live(p.spinner())
	}
	p.screen.show(lines)
}

func (p *Progress) spinner() string {
	frames := []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
	return string(frames[int(time.Since(p.started)/redraw)%len(frames)])
}

func (p *Progress) animate() {
	ticker := time.NewTicker(redraw)
	defer ticker.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-ticker.C:
			p.mu.Lock()
			p.draw()
			p.mu.Unlock()
		}
	}
}
