package kind

import (
	"fmt"
	"strings"
	"unicode"

	"sigs.k8s.io/kind/pkg/log"
)

// logger turns kind's log into progress lines: no symbols, and nothing of its debug levels.
type logger struct{ report func(line string) }

var _ log.Logger = logger{}

func (l logger) Warn(message string)              { l.line("warning: " + message) }
func (l logger) Warnf(format string, args ...any) { l.Warn(fmt.Sprintf(format, args...)) }
func (l logger) Error(message string)             { l.line("error: " + message) }
func (l logger) Errorf(format string, args ...any) {
	l.Error(fmt.Sprintf(format, args...))
}

func (l logger) V(level log.Level) log.InfoLogger {
	if level > 0 {
		return log.NoopInfoLogger{}
	}
	return l
}

func (l logger) Info(message string)              { l.line(message) }
func (l logger) Infof(format string, args ...any) { l.line(fmt.Sprintf(format, args...)) }
func (l logger) Enabled() bool                    { return true }

func (l logger) line(message string) {
	plain := strings.Map(func(r rune) rune {
		if r > unicode.MaxLatin1 {
			return -1
		}
		return r
	}, message)
	if plain = strings.TrimSpace(plain); plain != "" {
		l.report("kind: " + plain)
	}
}
