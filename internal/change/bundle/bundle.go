// Package bundle loads changes that are made of several parts, in order, written to a file:
//
//	apiVersion: stagegate.dev/v1alpha1
//	kind: Change
//	metadata: {name: calico}
//	spec:
//	  parts:
//	    - manifest: crds.yaml
//	    - helm: {chart: ./charts/shop, release: shop, namespace: shop, values: [v.yaml], set: {a: b}}
//	    - helm: {chart: podinfo, repository: https://charts.example, version: 6.9.2}
//	    - kustomize: overlays/x
//	    - terraform: infra/
//
// Paths are relative to the file and stay below its directory.
package bundle

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/tree"
)

// Loader loads bundles.
type Loader struct{ loaders change.Loaders }

var _ change.Loader = Loader{}

// New makes a loader that loads the parts with those for their kinds.
func New(loaders change.Loaders) Loader { return Loader{loaders} }

// Part is a bundle: its parts in order.
type Part struct {
	name  string
	parts []change.Part
}

var _ change.Bundled = (*Part)(nil)

// Kind is change.Bundle.
func (p *Part) Kind() change.Kind { return change.Bundle }

// Name is the bundle's metadata.name.
func (p *Part) Name() string { return p.name }

// Parts are the parts in the order in which they are applied.
func (p *Part) Parts() []change.Part { return p.parts }

// Digest covers the kinds and digests of the parts, in order.
func (p *Part) Digest() change.Digest {
	c := change.Change{Parts: p.parts}
	return c.Digest()
}

// Load reads the file, or change.yaml in the directory, and each part.
func (l Loader) Load(ctx context.Context, source change.Source) (change.Part, error) {
	name, err := fileOf(source.Path)
	if err != nil {
		return nil, err
	}
	content, err := tree.Read(name)
	if err != nil {
		return nil, err
	}
	f, err := parse(name, content)
	if err != nil {
		return nil, err
	}
	p := &Part{name: f.Metadata.Name}
	lines := map[string]int{} // of Terraform directories
	for _, e := range f.Spec.Parts {
		if err := onlyOnce(e, filepath.Dir(name), lines); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, e.line, err)
		}
		part, err := l.part(ctx, filepath.Dir(name), e)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, e.line, err)
		}
		p.parts = append(p.parts, part)
	}
	return p, nil
}

// onlyOnce refuses a Terraform directory that an earlier part has: a state has one plan at a time.
func onlyOnce(e entry, dir string, lines map[string]int) error {
	source, err := e.source(dir)
	if err != nil || source.Kind != change.Terraform {
		return err
	}
	real, err := filepath.EvalSymlinks(source.Path)
	if err != nil {
		return fmt.Errorf("reading %s: %w", source.Path, err)
	}
	if before := lines[real]; before > 0 {
		return fmt.Errorf("the Terraform directory %s is the part of line %d already: name it once", source.Path, before)
	}
	lines[real] = e.line
	return nil
}

func fileOf(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("reading the bundle: %w", err)
	}
	if info.IsDir() {
		return filepath.Join(path, change.BundleFile), nil
	}
	return path, nil
}

func (l Loader) part(ctx context.Context, dir string, e entry) (change.Part, error) {
	source, err := e.source(dir)
	if err != nil {
		return nil, err
	}
	return change.LoadPart(ctx, source, l.loaders)
}
