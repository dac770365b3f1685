package change

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Loaders are the loaders that are at hand, by the kind they load.
type Loaders map[Kind]Loader

// Bundled is a part that is a list of parts, applied in order. It stands only at the top.
type Bundled interface {
	Part
	Parts() []Part
}

// Load reads a change: the kind is detected where the source does not say it. A change
// without parts is an error.
func Load(ctx context.Context, source Source, loaders Loaders) (*Change, error) {
	part, err := LoadPart(ctx, source, loaders)
	if err != nil {
		return nil, fmt.Errorf("loading the change: %w", err)
	}
	c := &Change{Name: part.Name(), Kind: part.Kind(), Parts: []Part{part}}
	if bundle, ok := part.(Bundled); ok {
		c.Parts = bundle.Parts()
	}
	if len(c.Parts) == 0 {
		return nil, fmt.Errorf("loading the change: %s has no parts: name what to apply", source.Path)
	}
	return c, nil
}

// LoadPart reads one part with the loader of its kind.
func LoadPart(ctx context.Context, source Source, loaders Loaders) (Part, error) {
	if source.Path == "" {
		return nil, fmt.Errorf("no change is named: name a file, a directory or a chart")
	}
	kind, err := source.kind()
	if err != nil {
		return nil, err
	}
	loader, ok := loaders[kind]
	if !ok {
		return nil, fmt.Errorf("%s: changes of kind %q cannot be loaded here: known kinds are %s", source.Path, kind, loaders.kinds())
	}
	if field := source.misplaced(kind); field != "" {
		return nil, fmt.Errorf("%s: %s is for Helm charts, and this is a change of kind %s: leave it out", source.Path, field, kind)
	}
	source.Kind = kind
	return loader.Load(ctx, source)
}

func (s Source) kind() (Kind, error) {
	switch {
	case s.Kind != "":
		return s.Kind, nil
	case s.Repository != "":
		return Helm, nil
	}
	return Detect(s.Path)
}

// misplaced names a field that only Helm charts have, set on another kind.
func (s Source) misplaced(kind Kind) string {
	switch {
	case kind == Helm:
		return ""
	case s.Release != "":
		return "a release name"
	case len(s.Values) > 0:
		return "a values file"
	case len(s.Set) > 0:
		return "a value"
	case s.Version != "":
		return "a chart version"
	case s.Repository != "":
		return "a chart repository"
	}
	return ""
}

func (l Loaders) kinds() string {
	var names []string
	for k := range l {
		names = append(names, string(k))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// ShortName is a path as reports show it: its last two elements at most.
func ShortName(path string) string {
	if path == Stdin {
		return "standard input"
	}
	clean := filepath.ToSlash(filepath.Clean(path))
	parts := strings.Split(clean, "/")
	return strings.Join(parts[max(0, len(parts)-2):], "/")
}
