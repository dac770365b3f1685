package kustomize

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/stagegate/stagegate/internal/change/tree"
)

// files is the file system that kustomize sees: read only, every file that was read is
// remembered, and files that ask for anything remote are refused before kustomize can
// act on them.
type files struct {
	filesys.FileSystem
	root    string // absolute, without symbolic links
	shown   string // root, as the user names it
	read    map[string][]byte
	refused error
}

func newFiles(root, shown string) *files {
	return &files{FileSystem: filesys.MakeFsOnDisk(), root: root, shown: shown, read: map[string][]byte{}}
}

// ReadFile reads and checks a file.
func (f *files) ReadFile(path string) ([]byte, error) {
	content, err := tree.Read(path)
	if err != nil {
		return nil, err
	}
	if err := check(f.name(path), path, content); err != nil {
		f.refused = err
		return nil, err
	}
	f.read[path] = content
	return content, nil
}

var errReadOnly = errors.New("a kustomization must not write files")

// Create is refused.
func (f *files) Create(string) (filesys.File, error) { return nil, errReadOnly }

// Mkdir is refused.
func (f *files) Mkdir(string) error { return errReadOnly }

// MkdirAll is refused.
func (f *files) MkdirAll(string) error { return errReadOnly }

// RemoveAll is refused.
func (f *files) RemoveAll(string) error { return errReadOnly }

// WriteFile is refused.
func (f *files) WriteFile(string, []byte) error { return errReadOnly }

// name is a path as the user would write it.
func (f *files) name(path string) string {
	rel, err := filepath.Rel(f.root, path)
	if err != nil {
		return path
	}
	return filepath.ToSlash(filepath.Join(f.shown, rel))
}

// accumulation is how kustomize wraps the reason for which it cannot load a resource.
var accumulation = regexp.MustCompile(`accumulation err='(.*)': must build at directory: .*`)

// explain makes kustomize's errors readable: the reason alone, paths as the user writes
// them, and what to do about files that lie elsewhere.
func (f *files) explain(err error) error {
	text := accumulation.ReplaceAllString(err.Error(), "$1")
	if !filepath.IsAbs(f.shown) {
		text = strings.ReplaceAll(text, f.root, f.shown)
	}
	if strings.Contains(text, "security; file") {
		text += ": move the file there (a symbolic link counts as what it leads to)"
	}
	return errors.New(text)
}

// list returns what was read, by its path relative to the kustomization.
func (f *files) list() ([]tree.File, error) {
	var out []tree.File
	for path, content := range f.read {
		rel, err := filepath.Rel(f.root, path)
		if err != nil {
			return nil, fmt.Errorf("naming %s: %w", path, err)
		}
		out = append(out, tree.File{Name: filepath.ToSlash(rel), Content: content})
	}
	slices.SortFunc(out, func(a, b tree.File) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}
