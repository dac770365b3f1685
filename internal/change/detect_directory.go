package change

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// kustomizations are the file names that make a directory a kustomization.
var kustomizations = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// found is a file that tells the kind of its directory.
type found struct {
	file string
	kind Kind
}

func detectDirectory(path string) (Kind, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return "", fmt.Errorf("detecting the kind of %s: %w", path, err)
	}
	if len(entries) == 0 {
		return "", fmt.Errorf("%s: the directory is empty: %s", path, wanted)
	}
	marks, err := marksOf(path, entries)
	if err != nil {
		return "", err
	}
	switch len(marks) {
	case 0:
		return detectManifests(path)
	case 1:
		return marks[0].kind, nil
	}
	var seen []string
	for _, m := range marks {
		seen = append(seen, fmt.Sprintf("%s (%s)", m.file, m.kind))
	}
	return "", fmt.Errorf("%s: found %s: say which is meant with --kind", path, strings.Join(seen, " and "))
}

// marksOf finds the first file of each kind, in the order of the kinds' names.
func marksOf(path string, entries []fs.DirEntry) ([]found, error) {
	var marks []found
	for _, e := range entries {
		kind, err := kindOf(path, e.Name())
		if err != nil {
			return nil, err
		}
		known := slices.ContainsFunc(marks, func(m found) bool { return m.kind == kind })
		if kind != "" && !known {
			marks = append(marks, found{e.Name(), kind})
		}
	}
	slices.SortFunc(marks, func(a, b found) int { return strings.Compare(string(a.kind), string(b.kind)) })
	return marks, nil
}

func kindOf(directory, name string) (Kind, error) {
	switch {
	case name == "Chart.yaml":
		return Helm, nil
	case slices.Contains(kustomizations, name):
		return Kustomize, nil
	case strings.HasSuffix(name, ".tf"), strings.HasSuffix(name, ".tf.json"):
		return Terraform, nil
	case name == BundleFile:
		head, err := readHead(filepath.Join(directory, name))
		if err != nil || !isBundle(head) {
			return "", err
		}
		return Bundle, nil
	}
	return "", nil
}

const wanted = "a change is a Chart.yaml (helm), a kustomization.yaml (kustomize), *.tf (terraform), " +
	"a change.yaml (bundle) or *.yaml, *.yml, *.json (manifest)"

// detectManifests looks for one manifest, however deep; hidden files do not count.
func detectManifests(root string) (Kind, error) {
	errFound := errors.New("found")
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path != root && strings.HasPrefix(e.Name(), "."):
			if e.IsDir() {
				return fs.SkipDir
			}
		case !e.IsDir() && IsManifest(e.Name()):
			return errFound
		}
		return nil
	})
	if errors.Is(err, errFound) {
		return Manifest, nil
	}
	if err != nil {
		return "", fmt.Errorf("detecting the kind of %s: %w", root, err)
	}
	return "", fmt.Errorf("%s: found nothing to apply: %s: name another directory, or say what it is with --kind", root, wanted)
}
