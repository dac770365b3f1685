package evidence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/durable"
	"github.com/stagegate/stagegate/internal/reach"
)

const extension = ".intoto.jsonl"

// Store keeps records in a directory, and the keys that sign and verify them beside:
//
//	keys/stagegate.key, keys/stagegate.pub, keys/trusted/*.pub
//	evidence/<change digest>/<digest of the record>.intoto.jsonl
type Store struct {
	dir  string
	Keys KeyRing
}

// Open uses a state directory; what is missing in it is made when it is needed.
func Open(dir string) *Store {
	return &Store{dir: filepath.Join(dir, "evidence"), Keys: KeyRing{filepath.Join(dir, "keys")}}
}

// Entry is what a record says of itself. Nothing of it is verified but the file's digest.
type Entry struct {
	ID           string        `json:"id"` // "sha256:…", of the file
	File         string        `json:"file"`
	ChangeName   string        `json:"changeName"`
	ChangeDigest change.Digest `json:"changeDigest"`
	Environment  string        `json:"environment"`
	Cluster      string        `json:"cluster"` // stagegate:cluster/NAME/UID
	Run          string        `json:"run"`     // stagegate:run/ID
	Result       string        `json:"result"`  // PASSED or FAILED
	Levels       []string      `json:"levels"`
	Grade        reach.Grade   `json:"grade,omitempty"` // of a pass
	Time         time.Time     `json:"time"`
	KeyID        string        `json:"keyID"`
	// Damaged is why the file is not what was written; then the rest is empty.
	Damaged string `json:"damaged,omitempty"`
}

// Write signs and keeps a record. The id is the digest of what was written.
func (s *Store) Write(ctx context.Context, r Record) (string, error) {
	if err := r.validate(); err != nil {
		return "", fmt.Errorf("writing evidence: %w", err)
	}
	key, err := s.Keys.signer()
	if err != nil {
		return "", fmt.Errorf("writing evidence: %w", err)
	}
	content, err := seal(ctx, key, r)
	if err != nil {
		return "", fmt.Errorf("writing evidence: %w", err)
	}
	id := digestOf(content)
	dir := filepath.Join(s.dir, hexOf(r.ChangeDigest))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("writing evidence: %w", err)
	}
	if err := writePlan(dir, r.Plan); err != nil {
		return "", err
	}
	if err := durable.Write(filepath.Join(dir, hexOf(id)+extension), content, 0o600); err != nil {
		return "", fmt.Errorf("writing evidence: %w", err)
	}
	return string(id), nil
}

// Find lists the records of a change in an environment, newest first.
func (s *Store) Find(changeDigest change.Digest, environment string) ([]Entry, error) {
	entries, err := s.list(hexOf(changeDigest))
	return slices.DeleteFunc(entries, func(e Entry) bool { return e.Environment != environment }), err
}

// History lists all records, newest first; damaged files come last.
func (s *Store) History() ([]Entry, error) { return s.list("*") }

func (s *Store) list(under string) ([]Entry, error) {
	files, err := s.files(under, "*")
	if err != nil {
		return nil, fmt.Errorf("listing evidence: %w", err)
	}
	var entries []Entry
	for _, file := range files {
		_, entry, err := read(file)
		if err != nil {
			entry = Entry{ID: idOf(file), File: file, Damaged: err.Error()}
		}
		entries = append(entries, entry)
	}
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(b.Time.Compare(a.Time), strings.Compare(a.ID, b.ID))
	})
	return entries, nil
}

// files matches the names of a change's directory and of records in it.
func (s *Store) files(under, record string) ([]string, error) {
	names, err := fs.Glob(os.DirFS(s.dir), under+"/"+record+extension)
	for i, name := range names {
		names[i] = filepath.Join(s.dir, name)
	}
	return names, err
}

// Load returns a record's bundle, once its digest is found to be its id. An id may be cut
// short, to 12 digits or more, as long as one record begins with it.
func (s *Store) Load(id string) ([]byte, Entry, error) {
	hex := strings.TrimPrefix(id, "sha256:")
	if len(hex) < 12 || strings.ContainsAny(hex, `*?[\/`) {
		return nil, Entry{}, fmt.Errorf("reading evidence: %q is no record id: write 12 digits of it or more", id)
	}
	files, err := s.files("*", hex+"*")
	switch {
	case err != nil:
		return nil, Entry{}, fmt.Errorf("reading evidence: %w", err)
	case len(files) == 0:
		return nil, Entry{}, fmt.Errorf("reading evidence: there is no record %s: %w", id, fs.ErrNotExist)
	case len(files) > 1:
		return nil, Entry{}, fmt.Errorf("reading evidence: %d records begin with %s: write more digits", len(files), id)
	}
	return read(files[0])
}

// Verify accepts a record of the store as the function Verify does, by the trusted keys.
func (s *Store) Verify(ctx context.Context, id string, want Expected) error {
	content, _, err := s.Load(id)
	if err != nil {
		return &Refused{"type", err}
	}
	keys, err := s.Keys.Trusted()
	if err != nil {
		return &Refused{"signature", err}
	}
	return Verify(ctx, content, keys, want)
}

// read reads a file whose name is the digest of its content.
func read(file string) ([]byte, Entry, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, Entry{}, fmt.Errorf("reading evidence: %w", err)
	}
	if got := string(digestOf(content)); got != idOf(file) {
		return nil, Entry{}, fmt.Errorf("reading evidence: %s was altered: its digest is %s; remove it and stage the change again", file, got)
	}
	entry, err := Describe(content)
	entry.File = file
	if err != nil {
		return nil, Entry{}, fmt.Errorf("reading evidence: %s: %w", file, err)
	}
	return content, entry, nil
}

// Describe reads what a bundle says of itself, without verifying it.
func Describe(content []byte) (Entry, error) {
	b, err := parseBundle(content)
	if err != nil {
		return Entry{}, err
	}
	c, err := b.statements()
	if err != nil {
		return Entry{}, err
	}
	if len(c.verdict.Subject) != 1 || len(b.envelope[1].Signatures) == 0 {
		return Entry{}, errors.New("the record has no subject or no signature")
	}
	subject, environment := c.verdict.Subject[0], strings.TrimPrefix(c.summary.Policy.URI, "stagegate:environment/")
	entry := Entry{
		ID: string(digestOf(content)), ChangeName: subject.Name, ChangeDigest: subject.digest(), Environment: environment,
		Cluster: c.summary.ResourceURI, Run: c.result.URL, Result: c.summary.VerificationResult, Levels: c.summary.VerifiedLevels,
		Time: c.summary.TimeVerified, KeyID: b.envelope[1].Signatures[0].KeyID,
	}
	for _, g := range []reach.Grade{reach.Modelled, reach.Live} {
		if slices.Contains(entry.Levels, Level(environment, g)) {
			entry.Grade = g
		}
	}
	return entry, nil
}

func hexOf(d change.Digest) string { return strings.TrimPrefix(string(d), "sha256:") }

func idOf(file string) string { return "sha256:" + strings.TrimSuffix(filepath.Base(file), extension) }
