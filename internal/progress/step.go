package progress

import (
	"fmt"
	"slices"
	"time"

	"github.com/stagegate/stagegate/internal/printable"
)

// Step is one thing that is being done. Its first end counts: Done after Fail says nothing.
type Step struct {
	progress *Progress
	name     string
	started  time.Time
	detail   string
	printed  time.Time // when a line of this step was last written, in plain mode
	ended    bool
}

// Update says how far the step is. As plain lines, updates that follow each other closely
// are left out; the end of a step never is.
func (s *Step) Update(format string, args ...any) {
	text := printable.Line(fmt.Sprintf(format, args...))
	p := s.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.ended || text == s.detail {
		return
	}
	first := s.detail == ""
	s.detail = text
	if now := time.Now(); first || now.Sub(s.printed) >= repeat {
		s.printed = now
		p.plain("%s: %s", s.name, text)
	}
}

// Done ends a step that did what it should; the detail may be empty.
func (s *Step) Done(detail string) { s.end("✓", detail) }

// Fail ends a step that did not.
func (s *Step) Fail(err error) { s.end("✗", err.Error()) }

func (s *Step) end(glyph, detail string) {
	text := s.name + colon(printable.Line(detail))
	p := s.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.ended {
		return
	}
	s.ended = true
	p.active = slices.DeleteFunc(p.active, func(other *Step) bool { return other == s })
	text = fmt.Sprintf("%s %s (%s)", glyph, text, elapsed(s.started))
	p.plain("%s", text)
	p.keep(text)
}

// live is the step's line in the live view.
func (s *Step) live(spinner string) string {
	return fmt.Sprintf("%s %s %s%s", spinner, s.name, elapsed(s.started), colon(s.detail))
}

func colon(detail string) string {
	if detail == "" {
		return ""
	}
	return ": " + detail
}

// elapsed is the time since then: tenths of a second below a minute, seconds above.
func elapsed(since time.Time) string {
	d := time.Since(since)
	if d < time.Minute {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return d.Round(time.Second).String()
}
