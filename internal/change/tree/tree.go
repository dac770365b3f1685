// Package tree reads the files of a change: bounded in size, and never
// through a symbolic link that leads out of the change.
package tree

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Limits of what is read, in bytes. The largest objects that a cluster stores are 1.5 MiB,
// and the largest files of CRDs in use are about 5 MiB.
const (
	MaxFile  = 16 << 20
	MaxTotal = 128 << 20
)

// File is one file, by its path relative to the change's root, with slashes.
type File struct {
	Name    string
	Content []byte
}

// Read reads one file of at most MaxFile bytes.
func Read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading a file of the change: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file: leave it out of the change", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading a file of the change: %w", err)
	}
	defer f.Close()
	return ReadFrom(path, f)
}

// ReadFrom reads at most MaxFile bytes of what errors call name.
func ReadFrom(name string, in io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(in, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(content) > MaxFile {
		return nil, fmt.Errorf("%s: larger than %d MiB: split it", name, MaxFile>>20)
	}
	return content, nil
}

// List reads the files below root that keep wants, in the order of their paths. Hidden
// files and directories (.git) are left out.
func List(root string, keep func(name string) bool) ([]File, error) {
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		return nil, fmt.Errorf("reading the change: %w", err)
	}
	l := &lister{shown: root, root: real, keep: keep}
	if err := filepath.WalkDir(real, l.visit); err != nil {
		return nil, err
	}
	return l.files, nil
}

type lister struct {
	shown, root string
	keep        func(string) bool
	files       []File
	total       int
}

func (l *lister) visit(path string, e fs.DirEntry, err error) error {
	if err != nil {
		return fmt.Errorf("reading the change: %w", err)
	}
	if path != l.root && strings.HasPrefix(e.Name(), ".") {
		if e.IsDir() {
			return fs.SkipDir
		}
		return nil
	}
	name, err := filepath.Rel(l.root, path)
	if err != nil {
		return fmt.Errorf("reading the change: %w", err)
	}
	if e.Type()&fs.ModeSymlink != 0 {
		if err := CheckLink(l.root, path, filepath.Join(l.shown, name)); err != nil {
			return err
		}
	}
	if e.IsDir() || !l.keep(filepath.ToSlash(name)) {
		return nil
	}
	return l.add(path, filepath.ToSlash(name))
}

func (l *lister) add(path, name string) error {
	content, err := Read(path)
	if err != nil {
		return err
	}
	if l.total += len(content); l.total > MaxTotal {
		return fmt.Errorf("%s: larger than %d MiB: split the change", l.shown, MaxTotal>>20)
	}
	l.files = append(l.files, File{Name: name, Content: content})
	return nil
}

// CheckLink refuses a symbolic link that leads out of root, or to a directory. Root has no
// symbolic links itself; shown is the link's name in errors.
func CheckLink(root, path, shown string) error {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("%s: a broken symbolic link: remove it, or put the file in its place", shown)
	}
	if !Inside(root, target) {
		return fmt.Errorf("%s: a symbolic link that leads out of the change: put the file itself in its place", shown)
	}
	info, err := os.Stat(target)
	if err != nil {
		return fmt.Errorf("reading %s: %w", shown, err)
	}
	if info.IsDir() {
		return fmt.Errorf("%s: a symbolic link to a directory: put the files themselves in its place", shown)
	}
	return nil
}

// Inside tells whether path is root or below it; both are absolute or relative to the
// same directory.
func Inside(root, path string) bool {
	rel, err := filepath.Rel(root, path)
	return err == nil && filepath.IsLocal(rel)
}
