package report

import (
	"testing"

	"github.com/stagegate/stagegate/internal/reach"
)

// A run that ends at its baseline shows what was noted there.
func TestNotesOfABaseline(t *testing.T) {
	e := Environment{Baseline: reach.Matrix{Notes: []string{"before"}}}
	if got := notesOf(e); len(got) != 1 || got[0] != "before" {
		t.Errorf("got %q", got)
	}
	e.After = reach.Matrix{Edges: []reach.Result{{}}, Notes: []string{"after"}}
	if got := notesOf(e); len(got) != 1 || got[0] != "after" {
		t.Errorf("got %q", got)
	}
}

func TestHeadlineOfRollbackAndInterrupt(t *testing.T) {
	back, left := &Revert{Restored: true}, &Revert{}
	for name, c := range map[string]struct {
		result Result
		want   string
	}{
		"rolled back":         {Result{Command: "rollback", Environments: []Environment{{Reverted: back}}}, "ROLLED BACK: what the run applied is taken back"},
		"not all of it":       {Result{Command: "rollback", ExitCode: 6, Environments: []Environment{{Reverted: left}}}, "ROLLBACK INCOMPLETE: a person is needed; what is left is listed below"},
		"nothing rolled back": {Result{Command: "rollback"}, "INCONCLUSIVE: this is no pass; production untouched"},
		"interrupted early":   {Result{Command: "stage", ExitCode: 130, Environments: []Environment{{}}}, "INTERRUPTED: nothing had been applied; run it again"},
		"interrupted":         {Result{Command: "stage", ExitCode: 130, Environments: []Environment{{Reverted: back}}}, "INTERRUPTED: what had been applied was taken back; run it again"},
	} {
		t.Run(name, func(t *testing.T) {
			h := headlineOf(c.result)
			if got := h.title + ": " + h.say; got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
