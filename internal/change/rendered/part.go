package rendered

import (
	"cmp"
	"context"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/tree"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// Part is a part of a change whose objects are known once its files are read.
type Part struct {
	kind      change.Kind
	name      string
	namespace string
	digest    change.Digest
	objects   []snapshot.Object
}

var _ change.Renderer = (*Part)(nil)

// NewPart returns a part with the objects that were read from a source, and with the files
// that this took, in an order that does not depend on the machine.
func NewPart(kind change.Kind, source change.Source, objects []snapshot.Object, files []tree.File) *Part {
	p := &Part{kind: kind, name: change.ShortName(source.Path), namespace: cmp.Or(source.Namespace, DefaultNamespace), objects: objects}
	h := change.NewHash(string(kind))
	h.Add("namespace", []byte(p.namespace))
	for _, f := range files {
		h.Add("file "+f.Name, f.Content)
	}
	p.digest = h.Sum()
	return p
}

// Kind is the kind of change.
func (p *Part) Kind() change.Kind { return p.kind }

// Name is the path, shortened.
func (p *Part) Name() string { return p.name }

// Namespace is where namespaced objects go that name no namespace.
func (p *Part) Namespace() string { return p.namespace }

// Digest covers the names and contents of the files that were read, and the namespace.
func (p *Part) Digest() change.Digest { return p.digest }

// Render returns the objects in the order they were read in, in the form that they are
// applied in.
func (p *Part) Render(_ context.Context, target change.Target) ([]snapshot.Object, error) {
	return For(target, p.namespace, p.objects)
}
