package applytest

import (
	"context"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/snapshot"
	"github.com/stagegate/stagegate/internal/yamldoc"
)

// Part is a part with the objects of some YAML.
type Part struct{ Title, Text string }

var _ change.Renderer = Part{}

// Kind is change.Manifest.
func (p Part) Kind() change.Kind { return change.Manifest }

// Name is the title.
func (p Part) Name() string { return p.Title }

// Digest is of the text.
func (p Part) Digest() change.Digest {
	h := change.NewHash("test")
	h.Add(p.Title, []byte(p.Text))
	return h.Sum()
}

// Render reads the text.
func (p Part) Render(context.Context, change.Target) ([]snapshot.Object, error) {
	return yamldoc.Decode(p.Title+".yaml", []byte(p.Text))
}
