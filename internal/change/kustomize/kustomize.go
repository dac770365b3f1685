// Package kustomize loads kustomizations with kustomize's own library. Nothing remote is
// read, no plugin and no other program is run.
package kustomize

import (
	"context"
	"fmt"
	"path/filepath"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/rendered"
	"github.com/stagegate/stagegate/internal/snapshot"
	"github.com/stagegate/stagegate/internal/yamldoc"
)

// Loader loads kustomizations.
type Loader struct{}

var _ change.Loader = Loader{}

// Load builds the kustomization in the directory of the source. Bases and components may
// lie outside of that directory, as kustomize has it; files have to lie below the
// kustomization that names them.
func (l Loader) Load(_ context.Context, source change.Source) (change.Part, error) {
	root, err := filepath.Abs(source.Path)
	if err != nil {
		return nil, fmt.Errorf("finding the kustomization %s: %w", source.Path, err)
	}
	if root, err = filepath.EvalSymlinks(root); err != nil {
		return nil, fmt.Errorf("finding the kustomization: %w", err)
	}
	files := newFiles(root, source.Path)
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, root)
	if files.refused != nil { // kustomize hides why a file could not be read
		return nil, files.refused
	}
	if err != nil {
		return nil, fmt.Errorf("building the kustomization %s: %w", source.Path, files.explain(err))
	}
	objects, err := decode(source.Path, built)
	if err != nil {
		return nil, err
	}
	if len(objects) == 0 {
		return nil, fmt.Errorf("%s: no objects: the kustomization is empty: list its resources", source.Path)
	}
	read, err := files.list()
	if err != nil {
		return nil, err
	}
	return rendered.NewPart(change.Kustomize, source, objects, read), nil
}

// decode takes the objects over, in kustomize's order.
func decode(path string, built resmap.ResMap) ([]snapshot.Object, error) {
	name := filepath.ToSlash(filepath.Join(path, "kustomization.yaml"))
	var out []snapshot.Object
	for _, r := range built.Resources() {
		content, err := r.AsYAML()
		if err != nil {
			return nil, fmt.Errorf("writing %s of the kustomization %s: %w", r.CurId(), path, err)
		}
		objects, err := yamldoc.Decode(name, content)
		if err != nil {
			return nil, fmt.Errorf("in the output of the kustomization (the line is that of the output): %w", err)
		}
		for _, o := range objects {
			o.Source = name
			out = append(out, o)
		}
	}
	return out, nil
}
