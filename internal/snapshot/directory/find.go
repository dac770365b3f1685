package directory

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// find lists the manifest files below a root, in order, each file once.
func find(root *os.Root) ([]string, error) {
	var names []string
	err := fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name != "." && strings.HasPrefix(entry.Name(), ".") {
			return skip(entry)
		}
		manifest, err := isManifest(root, name, entry)
		if manifest {
			names = append(names, name)
		}
		return err
	})
	return names, err
}

func skip(entry fs.DirEntry) error {
	if entry.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// isManifest tells whether to read an entry. A link to another manifest of the same
// directory is not read: its target is.
func isManifest(root *os.Root, name string, entry fs.DirEntry) (bool, error) {
	full := filepath.Join(root.Name(), name)
	link := entry.Type()&fs.ModeSymlink != 0
	if !link {
		wanted := !entry.IsDir() && hasManifestName(name)
		if wanted && !entry.Type().IsRegular() {
			return false, fmt.Errorf("%s: not a regular file: remove it", full)
		}
		return wanted, nil
	}
	info, err := root.Stat(name)
	if err != nil {
		return false, fmt.Errorf("%s: a symbolic link that leaves the directory or leads nowhere (%w): replace it by what it points to", full, err)
	}
	if info.IsDir() || !hasManifestName(name) {
		return false, nil
	}
	walked, err := isWalked(root, full)
	return !walked && err == nil, err
}

// isWalked tells whether the walk itself comes upon the target of a link.
func isWalked(root *os.Root, link string) (bool, error) {
	target, err := filepath.EvalSymlinks(link)
	if err != nil {
		return false, err
	}
	dir, err := filepath.EvalSymlinks(root.Name())
	if err != nil {
		return false, err
	}
	inside, err := filepath.Rel(dir, target)
	hidden := strings.HasPrefix(inside, ".") || strings.Contains(inside, string(filepath.Separator)+".")
	return hasManifestName(target) && !hidden, err
}

func hasManifestName(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(name)))
}
