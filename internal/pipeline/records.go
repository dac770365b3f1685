package pipeline

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/durable"
)

// recordDir is where the records of a run's parts lie, one directory an environment, for
// a rollback in a later process.
func recordDir(runDir, environment string) string { return filepath.Join(runDir, environment) }

func (s *session) newRecord(i int, part change.Part) (*apply.Record, error) {
	key, err := recordKey(s.Home)
	if err != nil {
		return nil, err
	}
	dir := recordDir(s.dir, s.env.Name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of the records: %w", err)
	}
	file := filepath.Join(dir, fmt.Sprintf("part-%02d.json", i))
	record := apply.NewRecord(s.result.RunID, i, part, key, func(r *apply.Record) error { return saveRecord(file, r) })
	s.records = append(s.records, record)
	return record, nil
}

func saveRecord(file string, record *apply.Record) error {
	content, err := json.Marshal(record)
	if err != nil {
		return err
	}
	return durable.Write(file, content, 0o600)
}

// recordKey is the key that seals objects in records: 32 random bytes, made on first use.
func recordKey(dir string) ([]byte, error) {
	file := filepath.Join(dir, "keys", "records.key")
	key, err := os.ReadFile(file)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	key = make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("making the key of the records: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, fmt.Errorf("making the key of the records: %w", err)
	}
	return key, durable.Create(file, key, 0o600)
}
