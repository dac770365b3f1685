package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/durable"
	"github.com/stagegate/stagegate/internal/filelock"
)

// file is what a journal is written to.
type file interface {
	io.Writer
	Sync() error
	Close() error
}

// Journal is a run's open journal. Its methods may be called by several goroutines.
type Journal struct {
	path  string
	runID string
	lock  io.Closer

	mu      sync.Mutex
	file    file
	state   contents
	failure error // of the first append that failed; every later one fails too
}

// ErrInUse is that of a journal that another process has open.
var ErrInUse = errors.New("another process is carrying out this run: wait for it to end")

// Create starts the journal of a run. One that is there already is an error.
func Create(path, runID string) (*Journal, error) {
	j, err := create(path, runID)
	if err != nil {
		return nil, fmt.Errorf("creating journal %s: %w", path, err)
	}
	return j, nil
}

func create(path, runID string) (*Journal, error) {
	lock, err := acquire(path)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	j := &Journal{path: path, runID: runID, lock: lock, file: f}
	if err := j.append(Opened, "", "", header{Version, runID}); err != nil {
		return nil, errors.Join(err, j.Close(), os.Remove(path))
	}
	return j, durable.SyncDir(filepath.Dir(path))
}

// Open goes on with a journal. A last line that was torn is cut off; any other damage, and
// a journal of a newer version, is refused.
func Open(path string) (*Journal, error) {
	j, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("opening journal %s: %w", path, err)
	}
	return j, nil
}

func open(path string) (*Journal, error) {
	if _, err := os.Stat(path); err != nil { // before a lock file is made beside it
		return nil, err
	}
	lock, err := acquire(path)
	if err != nil {
		return nil, err
	}
	c, f, err := mend(path)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &Journal{path: path, runID: c.runID, lock: lock, file: f, state: *c}, nil
}

// mend opens a journal for appending after its last whole line.
func mend(path string) (*contents, *os.File, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	c, err := parse(content)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return nil, nil, err
	}
	err = f.Truncate(c.size)
	if c.partial && err == nil {
		_, err = f.WriteString("\n")
	}
	if err = errors.Join(err, f.Sync()); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return c, f, nil
}

// Read returns the entries of a journal that may be in use, and the run it is of.
func Read(path string) (runID string, entries []Entry, err error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", nil, fmt.Errorf("reading journal: %w", err)
	}
	c, err := parse(content)
	if err != nil {
		return "", nil, fmt.Errorf("reading journal %s: %w", path, err)
	}
	return c.runID, c.entries, nil
}

// Write records that a mutation is about to be made (Begin), which must not be made on an
// error, that it was made (Done), or anything else that must be remembered (Note).
func (j *Journal) Write(kind Kind, step, subject string, data any) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failure == nil {
		j.failure = j.append(kind, step, subject, data)
	}
	if j.failure != nil {
		return fmt.Errorf("writing journal %s: %w: nothing more is done without it; free the disk, then resume run %s", j.path, j.failure, j.runID)
	}
	return nil
}

// append puts one entry onto the disk.
func (j *Journal) append(kind Kind, step, subject string, data any) error {
	e := Entry{Sequence: len(j.state.entries) + 1, Time: time.Now().UTC(), Kind: kind, Step: step, Subject: subject}
	if data != nil {
		raw, err := json.Marshal(data)
		if err != nil {
			return err
		}
		e.Data = raw
	}
	content, sum, err := encode(j.state.sum, e)
	if err != nil {
		return err
	}
	if _, err := j.file.Write(content); err != nil {
		return err
	}
	if err := j.file.Sync(); err != nil {
		return err
	}
	j.state.entries, j.state.sum = append(j.state.entries, e), sum
	return nil
}

// Entries are all entries so far.
func (j *Journal) Entries() []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.state.entries)
}

// Head identifies all entries so far, for the evidence.
func (j *Journal) Head() change.Digest {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.state.head()
}

// Close lets another process open the journal.
func (j *Journal) Close() error { return errors.Join(j.file.Close(), j.lock.Close()) }

// acquire keeps other processes out. The operating system lets go when this one dies.
func acquire(path string) (io.Closer, error) {
	lock, err := filelock.Try(path + ".lock")
	if errors.Is(err, filelock.ErrHeld) {
		return nil, ErrInUse
	}
	return lock, err
}
