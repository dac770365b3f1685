package apply

import (
	"context"
	"fmt"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// Plan asks the API server, by dry runs, what the part would do; nothing is changed.
func (b *Objects) Plan(ctx context.Context, part change.Part, target change.Target, pending *Pending) (change.Set, error) {
	objects, err := render(ctx, part, target)
	if err != nil {
		return change.Set{}, err
	}
	preview, err := b.Preview(ctx, objects, pending)
	if err != nil {
		return change.Set{}, err
	}
	return preview.Set(part.Name()), nil
}

func (p *planned) item(part string) change.Item {
	item := change.Item{Part: part, Action: p.action, Object: p.key, Note: p.deferred}
	if p.action != change.Keep {
		item.Risks = Risks(p.Unstructured)
	}
	if p.action == change.Delete {
		item.Risks = append(item.Risks, change.RiskDeletion)
	}
	if p.action == change.Update && p.after != nil {
		item.Fields = differences(p.live, p.after)
	}
	return item
}

func render(ctx context.Context, part change.Part, target change.Target) ([]snapshot.Object, error) {
	r, ok := part.(change.Renderer)
	if !ok {
		return nil, fmt.Errorf("rendering %s: a part of kind %s has no objects of its own", part.Name(), part.Kind())
	}
	objects, err := r.Render(ctx, target)
	if err != nil {
		return nil, err
	}
	if len(objects) == 0 {
		return nil, fmt.Errorf("rendering %s: it has no objects: nothing would be changed and nothing tested", part.Name())
	}
	return objects, nil
}
