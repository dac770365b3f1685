package terraform

import (
	"context"
	"errors"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/rendered"
	"github.com/stagegate/stagegate/internal/change/scope"
	"github.com/stagegate/stagegate/internal/change/terraform/inspect"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// Inspect makes a plan of a part and says what it would do, for a check. Nothing is
// applied, and the plan is thrown away.
func (b *Backend) Inspect(ctx context.Context, part change.Part, target change.Target) (found *change.Inspection, err error) {
	defer func() { err = errors.Join(err, b.Close(ctx)) }()
	set, err := b.Plan(ctx, part, target, apply.NewPending())
	if err != nil {
		return nil, err
	}
	found = &change.Inspection{Refused: set.Failures}
	plan := b.jobs[part].plan
	if plan == nil { // its own conditions do not hold
		return found, nil
	}
	for i, r := range managed(plan.Plan) {
		foresee(found, r, set.Items[i], part.Name())
	}
	scope.With(target.Known, found.Objects).Place(found.Objects, rendered.DefaultNamespace)
	if len(found.Objects)+len(found.Removed)+len(found.Unclear) == 0 && !plan.Empty() {
		found.Unclear = append(found.Unclear, part.Name()+": the plan has no Kubernetes object, so nothing of it was modelled: stagegate stage finds out what it does")
	}
	return found, nil
}

// foresee adds what the plan does to one resource.
func foresee(found *change.Inspection, r *tfjson.ResourceChange, item change.Item, part string) {
	object := objectOf(r)
	switch {
	case object != nil && item.Action == change.Delete:
		found.Removed = append(found.Removed, snapshot.KeyOf(object))
		found.Items = append(found.Items, item)
	case object != nil:
		found.Objects = append(found.Objects, snapshot.Object{Unstructured: object, Source: part + ": " + r.Address})
	case item.Action != change.Keep:
		found.Items = append(found.Items, item)
		unmodelled(found, r, part)
	}
}

// unmodelled says of a resource that changes why it is not modelled.
func unmodelled(found *change.Inspection, r *tfjson.ResourceChange, part string) {
	where := part + ": " + r.Address
	switch inspect.EffectOf(r.Type) {
	case inspect.NoEffect:
	case inspect.Manifest:
		found.Unclear = append(found.Unclear, where+" has an object that is not known before it is applied: stagegate stage finds out what it does")
	case inspect.InCluster:
		found.Unclear = append(found.Unclear, where+" puts something into the cluster that is not written as a manifest, so it cannot be modelled: stagegate stage finds out what it does")
	case inspect.Elsewhere:
		found.Remarks = append(found.Remarks, where+": what it does to the network is not modelled")
	}
}
