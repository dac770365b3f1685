// Package kustomize loads kustomizations with kustomize's own library. Nothing remote is
// read, no plugin and no other program is run.
package kustomize

import (
	"cmp"
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

// Part is one kustomization, built.
type Part struct {
	name      string
	namespace string
	digest    change.Digest
	objects   []snapshot.Object
}

var _ change.Renderer = (*Part)(nil)

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
	p := &Part{name: change.ShortName(source.Path), namespace: cmp.Or(source.Namespace, rendered.DefaultNamespace)}
	if p.objects, err = decode(source.Path, built); err != nil {
		return nil, err
	}
	if len(p.objects) == 0 {
		return nil, fmt.Errorf("%s: no objects: the kustomization is empty: list its resources", source.Path)
	}
	p.digest, err = files.digest(p.namespace)
	return p, err
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

// Kind is change.Kustomize.
func (p *Part) Kind() change.Kind { return change.Kustomize }

// Name is the path, shortened.
func (p *Part) Name() string { return p.name }

// Namespace is where namespaced objects go that name no namespace.
func (p *Part) Namespace() string { return p.namespace }

// Digest covers the name, relative to the kustomization, and content of each file that
// building it read, and the namespace.
func (p *Part) Digest() change.Digest { return p.digest }

// Render returns the objects in kustomize's order, in the form that they are applied in.
func (p *Part) Render(_ context.Context, target change.Target) ([]snapshot.Object, error) {
	return rendered.For(target, p.namespace, p.objects)
}
