package progress

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/stagegate/stagegate/internal/printable"
)

// Control sequences of ECMA-48.
const (
	cursorUp   = "\x1b[%dA"
	eraseBelow = "\x1b[J"
)

// screen is a writer of which the last lines can be written anew.
type screen struct {
	w     io.Writer
	width func() int // 0: no limit
	shown int        // lines of the live view that are on the screen
}

func newScreen(w io.Writer) screen {
	width := func() int { return 0 }
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		width = func() int { return columns(f) }
	}
	return screen{w: w, width: width}
}

// ModeFor is the mode that fits w: live only on a terminal that can move its cursor.
// getenv is os.Getenv outside of tests.
func ModeFor(w io.Writer, quiet bool, getenv func(string) string) Mode {
	if quiet {
		return Quiet
	}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || getenv("TERM") == "dumb" || getenv("CI") != "" {
		return Plain
	}
	return Live
}

// columns is a terminal's width less one, since some wrap a line that fills it.
func columns(f *os.File) int {
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 2 {
		return 0
	}
	return width - 1
}

// write writes one line that stays.
func (s *screen) write(line string) { s.print(line + "\n") }

// show puts these lines in the place of the live view.
func (s *screen) show(lines []string) {
	var out string
	if s.shown > 0 {
		out = fmt.Sprintf(cursorUp, s.shown) + eraseBelow
	}
	for _, line := range lines {
		out += printable.Truncate(line, s.width()) + "\n"
	}
	s.shown = len(lines)
	s.print(out)
}

// print ignores errors: see Progress.
func (s *screen) print(text string) { _, _ = io.WriteString(s.w, text) }
