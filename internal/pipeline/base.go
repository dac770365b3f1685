package pipeline

import (
	"context"
	"fmt"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// BaseState is what an environment's base says is in its cluster, rendered without one.
func BaseState(ctx context.Context, env *config.Environment, loaders change.Loaders) (*snapshot.Snapshot, error) {
	target := change.Target{ClusterName: env.ClusterName, Variables: env.Variables}
	var all []snapshot.Object
	for _, path := range env.Base {
		base, err := change.Load(ctx, change.Source{Path: env.Path(path)}, loaders)
		if err != nil {
			return nil, fmt.Errorf("reading the base of %s: %w", env.Name, err)
		}
		objects, err := renderParts(ctx, base, target)
		if err != nil {
			return nil, fmt.Errorf("reading the base of %s: %w", env.Name, err)
		}
		all = append(all, objects...)
	}
	state, err := snapshot.New(all...)
	if err != nil {
		return nil, fmt.Errorf("reading the base of %s: %w", env.Name, err)
	}
	state.Derived = true
	return state, nil
}

// renderParts renders all parts of a change, in order. A part whose objects cannot be
// known without running it is an error.
func renderParts(ctx context.Context, ch *change.Change, target change.Target) ([]snapshot.Object, error) {
	var all []snapshot.Object
	for _, part := range ch.Parts {
		objects, err := renderPart(ctx, part, target)
		if err != nil {
			return nil, err
		}
		all = append(all, objects...)
	}
	return all, nil
}

func renderPart(ctx context.Context, part change.Part, target change.Target) ([]snapshot.Object, error) {
	renderer, ok := part.(change.Renderer)
	if !ok {
		return nil, fmt.Errorf("%s %s: its objects cannot be known without running it: use stagegate stage",
			part.Kind(), part.Name())
	}
	objects, err := renderer.Render(ctx, target)
	if err != nil {
		return nil, fmt.Errorf("rendering %s %s: %w", part.Kind(), part.Name(), err)
	}
	return objects, nil
}
