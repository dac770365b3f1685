// Package controlplane finds the program stagegate-controlplane, or builds it from
// source.
package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/stagegate/stagegate/internal/cluster"
)

const program = "stagegate-controlplane"

// ErrNotFound is returned where there is neither the program nor its source.
var ErrNotFound = errors.New("there is no " + program)

// Find returns the path of the program. It is, in this order: what
// $STAGEGATE_CONTROLPLANE names; beside the executable, as in the release archives; in
// the PATH; a build of the source, which is made once and kept in the user's cache.
func Find(ctx context.Context, progress cluster.Progress) (string, error) {
	if path := os.Getenv("STAGEGATE_CONTROLPLANE"); path != "" {
		if err := executable(path); err != nil {
			return "", fmt.Errorf("reading STAGEGATE_CONTROLPLANE: %w", err)
		}
		return path, nil
	}
	if path, ok := installed(); ok {
		return path, nil
	}
	source, err := findSource(ctx, progress)
	if err != nil {
		return "", err
	}
	return build(ctx, source, progress)
}

func installed() (string, bool) {
	if self, err := os.Executable(); err == nil {
		path := filepath.Join(filepath.Dir(self), program)
		if executable(path) == nil {
			return path, true
		}
	}
	path, err := exec.LookPath(program)
	return path, err == nil
}

func executable(path string) error {
	info, err := os.Stat(path) //nolint:gosec // the user may name any program
	if err != nil {
		return err
	}
	if info.IsDir() || info.Mode()&0o111 == 0 {
		return fmt.Errorf("%s is not an executable file", path)
	}
	return nil
}
