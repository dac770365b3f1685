package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/stagegate/stagegate/internal/report"
)

// Runs returns the results of the runs kept in a state directory, newest first; limit 0
// means all. A run without a result, since it goes on or died, is not among them.
func Runs(dir string, limit int) ([]*report.Result, error) {
	entries, err := os.ReadDir(filepath.Join(dir, "runs"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the history: %w", err)
	}
	slices.Reverse(entries) // their names begin with the time
	var runs []*report.Result
	for _, e := range entries {
		if limit > 0 && len(runs) == limit {
			break
		}
		result, err := readResult(dir, e.Name())
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		runs = append(runs, result)
	}
	return runs, nil
}

// ReadRun returns the result of one run.
func ReadRun(dir, id string) (*report.Result, error) {
	if _, err := runDir(dir, id); err != nil {
		return nil, err
	}
	result, err := readResult(dir, id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no result of a run %s: stagegate history lists those there are", id)
	}
	return result, err
}

// runDir is where a run keeps its files.
func runDir(home, id string) (string, error) {
	if !filepath.IsLocal(id) || filepath.Base(id) != id {
		return "", fmt.Errorf("%q is not the id of a run: stagegate history lists them", id)
	}
	return filepath.Join(home, "runs", id), nil
}

func readResult(dir, id string) (*report.Result, error) {
	content, err := os.ReadFile(filepath.Join(dir, "runs", id, "result.json"))
	if err != nil {
		return nil, err
	}
	kept := keptResult{Result: &report.Result{}}
	err = json.Unmarshal(content, &kept)
	if err == nil {
		err = readable(kept.Format, resultFormat)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the result of run %s: %w", id, err)
	}
	return kept.Result, nil
}
