package apply

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// Preview is what objects would become, for back ends that have another tool carry them
// out: first it is looked at, then it is recorded, then the tool does it.
type Preview struct{ plans []*planned }

// Preview asks the API server what rendered objects would become.
func (b *Objects) Preview(ctx context.Context, objects []snapshot.Object, pending *Pending) (*Preview, error) {
	resolved, err := b.clients.resolve(objects, pending)
	if err != nil {
		return nil, err
	}
	plans, err := b.preflight(ctx, resolved, pending)
	return &Preview{plans}, err
}

// AddHooks adds objects that the tool creates on its way, after deleting what an earlier
// run of it has left. No dry run is made of one that is replaced.
func (b *Objects) AddHooks(ctx context.Context, p *Preview, hooks []snapshot.Object, pending *Pending) error {
	resolved, err := b.clients.resolve(hooks, pending)
	if err != nil {
		return err
	}
	for _, o := range resolved {
		live, err := b.getKnown(ctx, o)
		if err != nil {
			return explain(o, err)
		}
		plan := &planned{object: o, action: change.Create, live: live, deferred: "a hook", hook: true}
		if live != nil {
			plan.action = change.Update
		}
		p.plans = append(p.plans, plan)
	}
	return nil
}

// AddDeletions adds live objects that the tool will delete; those that are gone already,
// or that are among the previewed ones, are passed over.
func (b *Objects) AddDeletions(ctx context.Context, p *Preview, objects []snapshot.Object) error {
	has := map[snapshot.Key]bool{}
	for _, plan := range p.plans {
		has[plan.key] = true
	}
	resolved, err := b.clients.resolve(objects, NewPending())
	if err != nil {
		return err
	}
	for _, o := range resolved {
		if has[o.key] {
			continue
		}
		live, err := b.get(ctx, o)
		if err != nil {
			return explain(o, err)
		}
		if live != nil {
			p.plans = append(p.plans, &planned{object: o, action: change.Delete, live: live})
		}
	}
	return nil
}

// getKnown reads an object; nil where its kind is not there yet.
func (b *Objects) getKnown(ctx context.Context, o *object) (*unstructured.Unstructured, error) {
	if !o.known {
		return nil, nil
	}
	return b.get(ctx, o)
}

// Set is the preview as a typed change set.
func (p *Preview) Set(part string) change.Set {
	var set change.Set
	for _, group := range groups(p.plans) {
		for _, plan := range group {
			set.Items = append(set.Items, plan.item(part))
		}
	}
	return set
}

// Live returns the objects that are there already, by key.
func (p *Preview) Live() map[snapshot.Key]*unstructured.Unstructured {
	out := map[snapshot.Key]*unstructured.Unstructured{}
	for _, plan := range p.plans {
		if plan.live != nil && plan.action != change.Delete && !plan.hook {
			out[plan.key] = plan.live
		}
	}
	return out
}

// Begin records all that may be touched, here and in the cluster, before anything is.
func (b *Objects) Begin(ctx context.Context, p *Preview, record *Record) error {
	return (&application{Objects: b, record: record}).begin(ctx, p.plans)
}

// Finish notes what the tool has made: the identities of created objects, and with
// contents what updated ones have become, for a tool whose result a dry run cannot tell.
func (b *Objects) Finish(ctx context.Context, record *Record, contents bool) error {
	b.clients.Refresh()
	for i := range record.Entries {
		e := &record.Entries[i]
		if e.Action == change.Delete {
			continue
		}
		live, err := b.get(ctx, e.object())
		if err != nil {
			return fmt.Errorf("reading %s after it was applied: %w", e.Object, err)
		}
		if live == nil {
			continue // a hook that has run and was cleaned up, or what was not reached
		}
		if e.Action == change.Create && e.UID == "" && b.ours(live, "") {
			e.UID = live.GetUID()
		}
		if contents && e.Action == change.Update {
			if e.After, err = record.seal(e.Object, live); err != nil {
				return err
			}
		}
	}
	return record.Save()
}

// CheckReady looks once, and says what is not ready and why.
func (b *Objects) CheckReady(ctx context.Context, record *Record) error {
	var waiting []*watched
	for i := range record.Entries {
		if e := &record.Entries[i]; e.Action != change.Delete && !e.Hook {
			waiting = append(waiting, &watched{object: e.object()})
		}
	}
	waiting, err := b.observe(ctx, waiting, nil)
	if err != nil || len(waiting) == 0 {
		return err
	}
	return b.notReady(ctx, waiting, 0)
}
