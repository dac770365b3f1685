package pipeline

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/journal"
	"github.com/stagegate/stagegate/internal/report"
)

// part is a change of a fixed digest.
type part struct {
	change.Part
	digest change.Digest
}

func (p part) Kind() change.Kind     { return change.Manifest }
func (p part) Name() string          { return "part" }
func (p part) Digest() change.Digest { return p.digest }

func changeOf(digest string) *change.Change {
	return &change.Change{Name: "change", Kind: change.Manifest, Parts: []change.Part{part{digest: change.Digest("sha256:" + strings.Repeat(digest, 64))}}}
}

// begun is a run that has just begun, in a home of its own.
func begun(t *testing.T) *run {
	t.Helper()
	r, err := (&Runner{Home: t.TempDir(), Now: time.Now, Given: Given{Images: []string{"app:dev"}}}).
		newRun("stage", &config.Environment{Name: "staging"}, changeOf("a"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMilestones(t *testing.T) {
	type entry struct {
		kind    journal.Kind
		step    string
		subject string
	}
	begin := entry{journal.Begin, "apply", "staging"}
	note := func(what string) entry { return entry{journal.Note, what, "staging"} }
	attested := entry{journal.Done, "evidence", "staging"}
	for name, test := range map[string]struct {
		entries []entry
		want    milestones
	}{
		"nothing yet":              {nil, milestones{}},
		"elsewhere":                {[]entry{{journal.Begin, "apply", "production"}}, milestones{}},
		"applying":                 {[]entry{begin}, milestones{applying: true}},
		"taken back":               {[]entry{begin, note(noteRestored)}, milestones{}},
		"decided":                  {[]entry{begin, note(noteDecided)}, milestones{applying: true, decided: true}},
		"decided, taken back":      {[]entry{begin, note(noteDecided), note(noteRestored)}, milestones{decided: true}},
		"attested":                 {[]entry{begin, note(noteDecided), attested}, milestones{applying: true, decided: true, attested: true}},
		"rolled back by a person":  {[]entry{begin, note(noteDecided), note(noteRolledBack)}, milestones{}},
		"held back, without apply": {[]entry{attested}, milestones{attested: true}},
		"applying anew":            {[]entry{begin, note(noteDecided), note(noteRestored), begin}, milestones{applying: true}},
	} {
		t.Run(name, func(t *testing.T) {
			r := begun(t)
			for _, e := range test.entries {
				if err := r.record(e.kind, e.step, e.subject, []change.Summary(nil)); err != nil {
					t.Fatal(err)
				}
			}
			got, err := r.came("staging")
			if err != nil || !cmp.Equal(got, test.want, cmp.AllowUnexported(milestones{})) {
				t.Errorf("came to %+v, %v; want %+v", got, err, test.want)
			}
		})
	}
}

func TestGivenIsSealed(t *testing.T) {
	home := t.TempDir()
	given := Given{Source: change.Source{Path: "chart", Set: []string{"password=hunter2"}}}
	r, err := (&Runner{Home: home, Now: time.Now, Given: given}).newRun("promote", &config.Environment{Name: "production"}, changeOf("a"))
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(journalFile(r.dir))
	if err != nil || strings.Contains(string(content), "hunter2") {
		t.Errorf("the journal has the secret (%v): %s", err, content)
	}
	got, digest, err := ReadGiven(home, r.result.RunID)
	given.Command, given.Environment = "promote", "production"
	if err != nil || digest != r.change.Digest() || !cmp.Equal(got, given) {
		t.Errorf("given %+v of %s, %v", got, digest, err)
	}
}

func TestAbsolute(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"change", "values.yaml"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{"change": filepath.Join(dir, "change"), "-": "-", "oci://example/chart": "oci://example/chart"} {
		g, err := Given{Source: change.Source{Path: path, Values: []string{"values.yaml"}}}.Absolute()
		if err != nil || g.Source.Path != want || g.Source.Values[0] != filepath.Join(dir, "values.yaml") {
			t.Errorf("%s: %+v, %v", path, g.Source, err)
		}
	}
}

func TestResumeRefuses(t *testing.T) {
	r := begun(t)
	id := r.result.RunID
	reopen := func(ch *change.Change) error {
		_, err := r.reopen(id, ch)
		return err
	}
	if err := reopen(changeOf("a")); !errors.Is(err, journal.ErrInUse) {
		t.Errorf("a run that goes on: %v", err)
	}
	if err := (&run{dir: r.dir}).join(); !errors.Is(err, journal.ErrInUse) {
		t.Errorf("rolling back a run that goes on: %v", err)
	}
	r.result.Verdict = gate.Pass
	if err := errors.Join(r.write(*r.result), r.end()); err != nil {
		t.Fatal(err)
	}
	for want, ch := range map[string]*change.Change{
		"the change is no longer what run " + id + " began with (digest " + changeOf("b").Digest().Short() + ", then " + changeOf("a").Digest().Short() + "): put it back as it was, or take the run back: stagegate rollback " + id + " --cluster-name NAME": changeOf("b"),
		"run " + id + " has ended (pass, exit 0): there is nothing to go on with; stagegate history " + id + " shows it":                                                                                                                                      changeOf("a"),
	} {
		if err := reopen(ch); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	if _, _, err := ReadGiven(r.Home, "none"); err == nil || !strings.Contains(err.Error(), "there is no journal of a run none here") {
		t.Errorf("a run that is not there: %v", err)
	}
}

// A disk that is full stops the run before its next step, and what was begun is not taken
// back without a record of that.
func TestNoStepWithoutItsRecord(t *testing.T) {
	r := begun(t)
	if err := r.journal.Close(); err != nil { // writing fails from here on
		t.Fatal(err)
	}
	s := &session{run: r, env: &config.Environment{Name: "staging"}, out: &report.Environment{}}
	if err := s.step(t.Context(), "apply", nil); err == nil || !strings.Contains(err.Error(), "nothing more is done without it") {
		t.Errorf("a step without its record: %v", err)
	}
}
