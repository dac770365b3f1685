// Package manifest loads changes that are Kubernetes manifests: a file, a directory, or
// the standard input.
package manifest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/rendered"
	"github.com/stagegate/stagegate/internal/change/tree"
	"github.com/stagegate/stagegate/internal/snapshot"
	"github.com/stagegate/stagegate/internal/yamldoc"
)

// Loader loads manifests. In is read for the path "-".
type Loader struct{ In io.Reader }

var _ change.Loader = Loader{}

// Load reads and decodes the files: of a directory all *.yaml, *.yml and *.json below it,
// in the order of their paths; hidden ones are left out.
func (l Loader) Load(_ context.Context, source change.Source) (change.Part, error) {
	files, err := l.read(source.Path)
	if err != nil {
		return nil, err
	}
	var all []snapshot.Object
	var errs []error
	for _, f := range files {
		objects, err := yamldoc.Decode(shown(source.Path, f.Name), f.Content)
		all, errs = append(all, objects...), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no objects: the change is empty: name a file or directory with manifests", source.Path)
	}
	return rendered.NewPart(change.Manifest, source, all, files), nil
}

// read returns the files; a single one has no name, since where it lies means nothing.
func (l Loader) read(name string) ([]tree.File, error) {
	if name == change.Stdin {
		if l.In == nil {
			return nil, fmt.Errorf("%s: there is no standard input here: name a file", name)
		}
		content, err := tree.ReadFrom("standard input", l.In)
		return []tree.File{{Content: content}}, err
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("reading the manifests: %w", err)
	}
	if info.IsDir() {
		return tree.List(name, change.IsManifest)
	}
	content, err := tree.Read(name)
	return []tree.File{{Content: content}}, err
}

func shown(root, name string) string {
	if root == change.Stdin {
		return "standard input"
	}
	return path.Join(root, name)
}
