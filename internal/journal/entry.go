// Package journal records what a run is about to do and has done, one JSON line each, on
// disk before the next step: whoever finds the file later knows what may have happened.
//
// Each line carries the SHA-256 of itself and the line before, so that only its very end
// can be lost without notice; see Open.
package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stagegate/stagegate/internal/change"
)

// Version is the version of the format that is written, and the newest that is read.
const Version = 1

// Kind says what an entry records.
type Kind string

// The kinds of entry. A Begin without a Done of the same step and subject is a mutation
// that may or may not have happened.
const (
	Opened Kind = "opened" // the first entry: which run, which format
	Begin  Kind = "begin"  // about to mutate
	Done   Kind = "done"   // mutated
	Note   Kind = "note"   // anything else that must be remembered
)

// Entry is one line.
type Entry struct {
	Sequence int             `json:"sequence"` // from 1
	Time     time.Time       `json:"time"`
	Kind     Kind            `json:"kind"`
	Step     string          `json:"step,omitempty"`
	Subject  string          `json:"subject,omitempty"` // what within the step; may be empty
	Data     json.RawMessage `json:"data,omitempty"`    // never holds a secret in the clear
}

// header is the data of the first entry.
type header struct {
	Version int    `json:"version"`
	RunID   string `json:"runID"`
}

// line is an entry as written: the sum is over the sum of the line before and the entry.
type line struct {
	Sum   string          `json:"sum"`
	Entry json.RawMessage `json:"entry"`
}

func sumOf(previous string, entry []byte) string {
	h := sha256.New()
	h.Write([]byte(previous + "\n"))
	h.Write(entry)
	return hex.EncodeToString(h.Sum(nil))
}

// encode writes an entry as a line after the one with the previous sum.
func encode(previous string, e Entry) (content []byte, sum string, err error) {
	entry, err := json.Marshal(e)
	if err != nil {
		return nil, "", err
	}
	sum = sumOf(previous, entry)
	content, err = json.Marshal(line{sum, entry})
	return append(content, '\n'), sum, err
}

// decode reads a line, without its line feed, in the one form that encode writes.
func decode(previous string, content []byte) (Entry, string, error) {
	var l line
	if err := json.Unmarshal(content, &l); err != nil {
		return Entry{}, "", fmt.Errorf("it is no entry: %w", err)
	}
	if canonical, err := json.Marshal(l); err != nil || !bytes.Equal(canonical, content) || l.Sum != sumOf(previous, l.Entry) {
		return Entry{}, "", errors.New("its checksum does not match")
	}
	var e Entry
	if err := json.Unmarshal(l.Entry, &e); err != nil {
		return Entry{}, "", fmt.Errorf("it is no entry: %w", err)
	}
	return e, l.Sum, nil
}

// contents are the entries of a file, and what is needed to go on with it.
type contents struct {
	runID   string
	entries []Entry
	sum     string // of the last line
	size    int64  // of the whole lines
	partial bool   // the last line lacks its line feed alone
}

func (c *contents) head() change.Digest { return change.Digest("sha256:" + c.sum) }

// ErrEmpty is that of a journal without any entry: its run ended before it did anything.
var ErrEmpty = errors.New("nothing is recorded, so nothing was done: remove the file")

// parse reads all whole lines. What follows the last line feed was torn while it was
// written, so nothing that it announced has been done; it is left out.
func parse(content []byte) (*contents, error) {
	c := &contents{}
	for number := 1; len(content) > 0; number++ {
		text, rest, whole := bytes.Cut(content, []byte("\n"))
		e, sum, err := decode(c.sum, text)
		if err != nil && !whole && !c.overrun(text) {
			break
		}
		if err == nil {
			err = c.accept(e)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d cannot be trusted: %w", number, err)
		}
		c.sum, c.size, c.partial = sum, c.size+int64(len(text)), !whole
		if whole {
			c.size++
		}
		content = rest
	}
	if len(c.entries) == 0 {
		return nil, ErrEmpty
	}
	return c, nil
}

// overrun tells whether a line without line feed is a whole entry and one byte more: then
// the line feed was altered, and nothing was torn.
func (c *contents) overrun(text []byte) bool {
	if len(text) == 0 {
		return false
	}
	_, _, err := decode(c.sum, text[:len(text)-1])
	return err == nil
}

// accept appends an entry that fits to those before it.
func (c *contents) accept(e Entry) error {
	if len(c.entries) == 0 {
		return c.open(e)
	}
	last := c.entries[len(c.entries)-1]
	if e.Sequence != last.Sequence+1 || e.Kind == Opened {
		return errors.New("it does not follow on the line before")
	}
	c.entries = append(c.entries, e)
	return nil
}

func (c *contents) open(e Entry) error {
	var h header
	if e.Kind != Opened || e.Sequence != 1 {
		return errors.New("it is not the beginning of a journal")
	}
	if err := json.Unmarshal(e.Data, &h); err != nil {
		return err
	}
	if h.Version > Version {
		return fmt.Errorf("the journal is of version %d, and this stagegate reads %d: use the newer stagegate that wrote it", h.Version, Version)
	}
	c.runID, c.entries = h.RunID, []Entry{e}
	return nil
}
