package report

import (
	"fmt"

	"github.com/stagegate/stagegate/internal/exitcode"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/reach"
)

// tone is how a headline is to be read: its glyph, colour and icon.
type tone int

const (
	good tone = iota
	doubtful
	bad
)

// headline is a result in two words and a sentence.
type headline struct {
	tone  tone
	title string
	say   string
}

func headlineOf(r Result) headline {
	return verdictOf(r).graded(r.Environments)
}

func verdictOf(r Result) headline {
	switch r.ExitCode {
	case exitcode.Error, exitcode.Usage:
		return headline{bad, "ERROR", "the run could not go on; no verdict was reached"}
	case exitcode.RolledBack:
		return headline{bad, "ROLLED BACK", "production was changed and rolled back"}
	case exitcode.Incomplete:
		return headline{bad, "ROLLBACK INCOMPLETE", "a person is needed; what is left is listed below"}
	case exitcode.Interrupted:
		return headline{doubtful, "INTERRUPTED", interrupted(r)}
	}
	if r.Command == "rollback" && restored(r) {
		return headline{good, "ROLLED BACK", "what the run applied is taken back"}
	}
	switch r.Verdict {
	case gate.Pass:
		if r.ExitCode != 0 || r.Error != "" {
			return headline{bad, "ERROR", "the run could not go on"}
		}
		return headline{good, "PASS", passed(r.Command)}
	case gate.Blocked:
		return headline{bad, "BLOCKED", stopped(r, "the change was stopped")}
	}
	return headline{doubtful, "INCONCLUSIVE", stopped(r, "this is no pass")}
}

// graded adds the weakest grade of what was probed, so that no verdict stands without it.
func (h headline) graded(environments []Environment) headline {
	var weakest reach.Grade
	for _, e := range environments {
		if e.Grade != "" && (weakest == "" || weakest.Satisfies(e.Grade)) {
			weakest = e.Grade
		}
	}
	if weakest != "" {
		h.say += " (" + gradeOf(weakest) + ")"
	}
	return h
}

// restored tells whether every environment was put back as it was.
func restored(r Result) bool {
	for _, e := range r.Environments {
		if e.Reverted == nil || !e.Reverted.Restored {
			return false
		}
	}
	return len(r.Environments) > 0
}

func interrupted(r Result) string {
	for _, e := range r.Environments {
		if e.Reverted != nil {
			return "what had been applied was taken back; run it again"
		}
	}
	return "nothing had been applied; run it again"
}

func passed(command string) string {
	switch command {
	case "promote":
		return "the change is promoted"
	case "stage":
		return "the change may be promoted"
	}
	return "nothing that should be reachable is lost"
}

// stopped says what the exit codes of a blocked or inconclusive run promise.
func stopped(r Result, why string) string {
	if r.Command == "check" {
		return why + "; nothing was changed"
	}
	return why + "; production untouched"
}

// gradeOf is how outcomes were found, in words that cannot be taken for more.
func gradeOf(g reach.Grade) string {
	switch g {
	case reach.Modelled:
		return "modelled: no packet was sent"
	case reach.Live:
		return "live: packets were sent"
	}
	return "no grade: nothing was probed"
}

// count is "1 edge", "2 edges".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
