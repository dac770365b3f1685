// Package filelock locks files against other processes. A lock belongs to the open
// file: it ends with the process, however that ends, and a child that inherits the file
// holds it too.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// ErrHeld is what Try returns when another process has the lock.
var ErrHeld = errors.New("another process holds the lock")

const pollInterval = 50 * time.Millisecond

// Try takes the exclusive lock on path, making the file where needed. Closing the file
// gives the lock up, unless a child process inherited it.
func Try(path string) (*os.File, error) {
	for {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, fmt.Errorf("locking: %w", err)
		}
		if err := lock(file); err != nil {
			file.Close()
			return nil, err
		}
		if current(file, path) {
			return file, nil
		}
		file.Close() // the holder before removed the file
	}
}

// Wait takes the lock when it is free. Waiting is called once, before it has to wait.
func Wait(ctx context.Context, path string, waiting func()) (*os.File, error) {
	for first := true; ; first = false {
		file, err := Try(path)
		if !errors.Is(err, ErrHeld) {
			return file, err
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for the lock %s: %w", path, context.Cause(ctx))
		case <-time.After(pollInterval):
		}
	}
}

// Held tells whether some process has the lock, without making the file.
func Held(path string) (bool, error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	file, err := Try(path)
	if errors.Is(err, ErrHeld) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return false, file.Close()
}

// current tells whether path still leads to the locked file.
func current(file *os.File, path string) bool {
	locked, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(locked, there)
}
