// Package manifest loads changes that are Kubernetes manifests: a file, a directory, or
// the standard input.
package manifest

import (
	"cmp"
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

// Part is a set of manifests.
type Part struct {
	name      string
	namespace string
	digest    change.Digest
	objects   []snapshot.Object
}

var _ change.Renderer = (*Part)(nil)

// Load reads and decodes the files: of a directory all *.yaml, *.yml and *.json below it,
// in the order of their paths; hidden ones are left out.
func (l Loader) Load(_ context.Context, source change.Source) (change.Part, error) {
	files, err := l.read(source.Path)
	if err != nil {
		return nil, err
	}
	p := &Part{
		name:      change.ShortName(source.Path),
		namespace: cmp.Or(source.Namespace, rendered.DefaultNamespace),
	}
	p.digest = digestOf(files, p.namespace)
	var errs []error
	for _, f := range files {
		objects, err := yamldoc.Decode(shown(source.Path, f.Name), f.Content)
		p.objects, errs = append(p.objects, objects...), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if len(p.objects) == 0 {
		return nil, fmt.Errorf("%s: no objects: the change is empty: name a file or directory with manifests", source.Path)
	}
	return p, nil
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

func digestOf(files []tree.File, namespace string) change.Digest {
	h := change.NewHash("manifest")
	h.Add("namespace", []byte(namespace))
	for _, f := range files {
		h.Add("file "+f.Name, f.Content)
	}
	return h.Sum()
}

// Kind is change.Manifest.
func (p *Part) Kind() change.Kind { return change.Manifest }

// Name is the path, shortened.
func (p *Part) Name() string { return p.name }

// Namespace is where namespaced objects go that name no namespace.
func (p *Part) Namespace() string { return p.namespace }

// Digest covers the names and contents of the files and the namespace.
func (p *Part) Digest() change.Digest { return p.digest }

// Render returns the objects in the order of the files, in the form that they are applied in.
func (p *Part) Render(_ context.Context, target change.Target) ([]snapshot.Object, error) {
	return rendered.For(target, p.namespace, p.objects)
}
