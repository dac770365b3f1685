// Package home knows where stagegate keeps what outlives a run.
package home

import (
	"fmt"
	"os"
	"path/filepath"
)

// Dir returns the directory of stagegate's own state: $STAGEGATE_HOME, else
// $XDG_STATE_HOME/stagegate, else ~/.local/state/stagegate (XDG Base Directory
// Specification). It does not make the directory.
func Dir() (string, error) {
	if dir := os.Getenv("STAGEGATE_HOME"); dir != "" {
		return absolute("STAGEGATE_HOME", dir)
	}
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		dir, err := absolute("XDG_STATE_HOME", dir)
		return filepath.Join(dir, "stagegate"), err
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding a place for state: %w; set STAGEGATE_HOME to a directory", err)
	}
	return filepath.Join(user, ".local", "state", "stagegate"), nil
}

func absolute(variable, dir string) (string, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", variable, err)
	}
	return path, nil
}
