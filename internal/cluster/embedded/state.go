package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/cluster"
)

// Files of a cluster's state directory; doc.go says what they mean.
const (
	runLock        = "run.lock"
	pidFile        = "pid"
	readyFile      = "ready"
	completeFile   = "complete"
	keepFile       = "keep"
	kubeconfigFile = "kubeconfig"
	logFile        = "log"
)

// state is the directory of one cluster.
type state struct{ name, dir string }

func (s state) path(file string) string { return filepath.Join(s.dir, file) }

func (s state) has(file string) bool {
	_, err := os.Stat(s.path(file))
	return err == nil
}

func (s state) mark(file string) error { return os.WriteFile(s.path(file), nil, 0o600) }

func (s state) unmark(file string) error {
	if err := os.Remove(s.path(file)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// pid is that of the running control plane; it means nothing while run.lock is free.
func (s state) pid() (int, error) {
	data, err := os.ReadFile(s.path(pidFile))
	if err != nil {
		return 0, fmt.Errorf("reading the control plane's process id: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil || pid <= 1 {
		return 0, fmt.Errorf("reading the control plane's process id: %s says %q", s.path(pidFile), data)
	}
	return pid, nil
}

// prepare makes the directory of a stopped cluster fit to be started: one that was never
// ready is removed first.
func (s state) prepare(progress cluster.Progress) error {
	if _, err := os.Stat(s.dir); err == nil && !s.has(completeFile) {
		progress("mending cluster %s: its first start was cut short, making it anew", s.name)
		if err := os.RemoveAll(s.dir); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	return errors.Join(s.unmark(readyFile), s.unmark(pidFile), s.unmark(keepFile))
}

// setAside moves the directory out of the way and returns where; the cluster is a new
// one then. Destroy removes what was set aside.
func (s state) setAside() (string, error) {
	aside := s.dir + ".broken-" + time.Now().UTC().Format("20060102T150405.000")
	return aside, os.Rename(s.dir, aside)
}

// remove deletes the directory and all that was set aside.
func (s state) remove() error {
	aside, err := filepath.Glob(s.dir + ".broken-*")
	errs := []error{err}
	for _, dir := range append(aside, s.dir) {
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}

// lastWords are the end of the control plane's log, for an error message.
func (s state) lastWords() string {
	const enough = 600
	data, err := os.ReadFile(s.path(logFile))
	if err != nil {
		return err.Error()
	}
	text := strings.TrimSpace(string(data))
	if len(text) > enough {
		text = "…" + text[len(text)-enough:]
	}
	return text
}
