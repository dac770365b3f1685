package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/journal"
)

// The notes of a journal beside the steps that begin and are done. Their subject is the
// environment, but for those of the whole run.
const (
	noteGiven    = "given"    // how the run was begun
	noteDecided  = "decided"  // the gate has decided on what was found after the change
	noteRestored = "restored" // what was applied is taken back, and the baseline is there again
	noteEnded    = "ended"    // the run came to its end

	noteRolledBack = "rolled back" // by a rollback, whatever the run came to
)

// Given is how a run was begun: what it takes to go on with it.
type Given struct {
	Command     string // "stage" or "promote"
	Environment string
	Source      change.Source
	Images      []string
	AllowDelete []string
}

// Absolute names local files by their whole paths, so that a run can be resumed from
// another directory.
func (g Given) Absolute() (Given, error) {
	paths := append([]string{g.Source.Path}, g.Source.Values...)
	for i, path := range paths {
		if _, err := os.Stat(path); err != nil {
			continue // a chart reference, or standard input
		}
		whole, err := filepath.Abs(path)
		if err != nil {
			return g, err
		}
		paths[i] = whole
	}
	g.Source.Path, g.Source.Values = paths[0], paths[1:]
	return g, nil
}

// given is the entry of a Given: its values may be secret, so they are sealed.
type given struct {
	Digest change.Digest `json:"digest"`
	Sealed apply.Sealed  `json:"sealed"`
}

const givenContext = "given"

func journalFile(runDir string) string { return filepath.Join(runDir, "journal.jsonl") }

// begin starts the journal of a run with how the run was begun.
func (r *run) begin(g Given) error {
	key, err := recordKey(r.Home)
	if err != nil {
		return err
	}
	sealed, err := apply.Seal(key, givenContext, g)
	if err != nil {
		return fmt.Errorf("sealing how the run was begun: %w", err)
	}
	if r.journal, err = journal.Create(journalFile(r.dir), r.result.RunID); err != nil {
		return err
	}
	return r.note(noteGiven, "", given{r.change.Digest(), sealed})
}

// ReadGiven reads how a run was begun, and the digest of its change.
func ReadGiven(home, runID string) (Given, change.Digest, error) {
	dir, err := runDir(home, runID)
	if err != nil {
		return Given{}, "", err
	}
	_, entries, err := journal.Read(journalFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return Given{}, "", fmt.Errorf("there is no journal of a run %s here: stagegate history lists the runs", runID)
	}
	if err != nil {
		return Given{}, "", err
	}
	key, err := recordKey(home)
	if err != nil {
		return Given{}, "", err
	}
	for _, e := range entries {
		if e.Kind == journal.Note && e.Step == noteGiven {
			return openGiven(key, e)
		}
	}
	return Given{}, "", fmt.Errorf("run %s died before it began anything: run the command again", runID)
}

func openGiven(key []byte, e journal.Entry) (g Given, _ change.Digest, _ error) {
	var sealed given
	if err := json.Unmarshal(e.Data, &sealed); err != nil {
		return g, "", fmt.Errorf("reading how the run was begun: %w", err)
	}
	err := sealed.Sealed.Open(key, givenContext, &g)
	return g, sealed.Digest, err
}

// note records what must be remembered.
func (r *run) note(what, environment string, data any) error {
	return r.record(journal.Note, what, environment, data)
}

// record writes an entry. A check has no journal, since it changes nothing.
func (r *run) record(kind journal.Kind, step, subject string, data any) error {
	if r.journal == nil {
		return nil
	}
	if err := r.journal.Write(kind, step, subject, data); err != nil {
		return err
	}
	if r.Recorded != nil {
		r.Recorded(kind, step, subject)
	}
	return nil
}

// end notes that the run came to its end, and lets go of the journal.
func (r *run) end() error {
	if r.journal == nil {
		return nil
	}
	ended := struct {
		ExitCode int    `json:"exitCode"`
		Error    string `json:"error,omitempty"`
	}{r.result.ExitCode, r.result.Error}
	return errors.Join(r.note(noteEnded, "", ended), r.leave())
}

// join goes on with the journal of a run, where it has one; no other process may have it open.
func (r *run) join() (err error) {
	if r.journal, err = journal.Open(journalFile(r.dir)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// leave lets go of the journal.
func (r *run) leave() error {
	if r.journal == nil {
		return nil
	}
	return r.journal.Close()
}

// milestones are how far a run came in an environment.
type milestones struct {
	applying bool // it began to apply, and has not taken it back
	decided  bool
	attested bool
	plan     []change.Summary // of a decision
}

// came reads from the journal how far the run came in an environment.
func (r *run) came(environment string) (milestones, error) {
	var m milestones
	for _, e := range r.journal.Entries() {
		if e.Subject != environment {
			continue
		}
		switch {
		case e.Kind == journal.Begin && e.Step == "apply":
			m = milestones{applying: true}
		case e.Kind == journal.Done && e.Step == "evidence":
			m.attested = true
		case e.Kind == journal.Note && e.Step == noteRolledBack:
			m = milestones{}
		case e.Kind == journal.Note && e.Step == noteRestored:
			m.applying = false
		case e.Kind == journal.Note && e.Step == noteDecided:
			m.decided = true
			if err := json.Unmarshal(e.Data, &m.plan); err != nil {
				return m, fmt.Errorf("reading the plan that was decided on: %w", err)
			}
		}
	}
	return m, nil
}
