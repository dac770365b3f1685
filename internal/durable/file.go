// Package durable writes files that are whole, and still there after a power cut.
package durable

import (
	"errors"
	"os"
	"path/filepath"
)

// Write puts content under a name, in the place of what was there, whole or not at all.
func Write(name string, content []byte, mode os.FileMode) error {
	return place(name, content, mode, os.Rename)
}

// Create is Write for a name that must be free; errors.Is(err, fs.ErrExist) if it is not.
func Create(name string, content []byte, mode os.FileMode) error {
	return place(name, content, mode, os.Link)
}

func place(name string, content []byte, mode os.FileMode, move func(from, to string) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // after a rename it is gone already
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := move(f.Name(), name); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(name))
}

// SyncDir makes the entries of a directory last: names that were added or taken away.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
