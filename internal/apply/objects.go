package apply

import (
	"context"
	"errors"
	"slices"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// Objects carries rendered objects by server-side apply, without force: what belongs to
// another field manager is refused, not taken.
type Objects struct {
	clients *Clients
	options Options
	manager string
	force   bool
}

var _ Backend = (*Objects)(nil)

// NewObjects makes the back end for manifests and kustomizations.
func NewObjects(clients *Clients, options Options) *Objects {
	return &Objects{clients: clients, options: options.WithDefaults(), manager: FieldManager}
}

// As returns the same back end under another field manager, and with force: for dry runs
// of what another tool will carry out.
func (b *Objects) As(manager string, force bool) *Objects {
	return &Objects{clients: b.clients, options: b.options, manager: manager, force: force}
}

// Apply carries the part out and waits until it is ready. An object that would not
// change is not touched.
func (b *Objects) Apply(ctx context.Context, part change.Part, target change.Target, record *Record, progress Progress) error {
	objects, err := render(ctx, part, target)
	if err != nil {
		return err
	}
	a := &application{Objects: b, record: record, progress: progress, pending: NewPending()}
	return a.run(ctx, objects)
}

// application is one run of Apply.
type application struct {
	*Objects
	record   *Record
	progress Progress
	pending  *Pending
	mu       sync.Mutex // guards record.Entries and calls of progress
	applied  []*unstructured.Unstructured
}

func (a *application) run(ctx context.Context, objects []snapshot.Object) error {
	resolved, err := a.clients.resolve(objects, a.pending)
	if err != nil {
		return err
	}
	plans, err := a.preflight(ctx, resolved, a.pending)
	if err != nil {
		return err
	}
	if err := a.begin(ctx, plans); err != nil {
		return err
	}
	for _, group := range groups(plans) {
		if err := a.group(ctx, group); err != nil {
			return errors.Join(err, a.record.Save())
		}
	}
	if err := a.record.Save(); err != nil {
		return err
	}
	return a.WaitReady(ctx, a.unready(), a.progress)
}

// unready are those that were not ready already when they were applied, as most kinds are.
func (a *application) unready() []*unstructured.Unstructured {
	return slices.DeleteFunc(a.applied, func(o *unstructured.Unstructured) bool {
		ready := wasReady(o)
		if ready {
			a.progress.Send(Ready, snapshot.KeyOf(o), "")
		}
		return ready
	})
}

// begin records all that may be touched, here and in the cluster, before anything is.
func (a *application) begin(ctx context.Context, plans []*planned) error {
	if err := a.note(plans); err != nil {
		return err
	}
	if err := a.record.Save(); err != nil {
		return err
	}
	return a.writeInventory(ctx, a.record)
}

// note puts objects that will be touched into the record, or brings them up to date.
func (a *application) note(plans []*planned) error {
	for _, p := range plans {
		if p.action == change.Keep || p.hook && p.live != nil && isWorkload(p.key) {
			continue // a Job of a hook is not run again to put it back
		}
		entry, err := a.record.entry(p)
		if err != nil {
			return err
		}
		if old := a.record.find(p.key); old != nil {
			*old = entry
		} else {
			a.record.Entries = append(a.record.Entries, entry)
		}
	}
	return nil
}

func (r *Record) entry(p *planned) (Entry, error) {
	e := Entry{Object: p.key, Version: p.GroupVersionKind().Version, Action: p.action, Hook: p.hook}
	after := p.after
	if after == nil && p.action != change.Delete {
		after = p.Unstructured
	}
	var err error
	if p.live != nil {
		e.UID = p.live.GetUID()
	}
	if e.Before, err = r.seal(p.key, p.live); err != nil {
		return e, err
	}
	e.After, err = r.seal(p.key, after)
	return e, err
}

// group applies objects that do not depend on each other, and waits where later ones will.
func (a *application) group(ctx context.Context, group []*planned) error {
	if err := a.settleDeferred(ctx, group); err != nil {
		return err
	}
	err := each(ctx, a.options.Concurrency, group, func(ctx context.Context, p *planned) error {
		if p.action == change.Keep {
			return nil
		}
		return explain(p.object, a.apply(ctx, p))
	})
	if err != nil {
		return err
	}
	return a.settle(ctx, group)
}

// settleDeferred makes the dry runs that had to wait for namespaces and CRDs.
func (a *application) settleDeferred(ctx context.Context, group []*planned) error {
	var late []*planned
	for _, p := range group {
		if p.deferred != "" {
			late = append(late, p)
		}
	}
	if len(late) == 0 {
		return nil
	}
	err := each(ctx, a.options.Concurrency, late, func(ctx context.Context, p *planned) error {
		p.deferred = ""
		return explain(p.object, a.look(ctx, p))
	})
	if err != nil {
		return err
	}
	if err := a.note(late); err != nil {
		return err
	}
	return a.record.Save()
}

// maxMoves bounds how often an object may be changed by others while it is being applied.
const maxMoves = 10

// apply mutates one object. An update carries the resource version that was recorded, so
// that nothing is overwritten that is not in the record.
func (a *application) apply(ctx context.Context, p *planned) error {
	applied, err := retry(ctx, a.options.RetryFor, func(attempt int) (*unstructured.Unstructured, error) {
		for moved := 0; ; moved++ {
			u := p.DeepCopy()
			if p.live != nil {
				u.SetResourceVersion(p.live.GetResourceVersion())
			}
			applied, err := a.patch(ctx, u, false)
			if !apierrors.IsConflict(err) || conflicts(err) != "" || moved == maxMoves {
				return applied, err
			}
			if err := a.again(ctx, p, attempt > 0); err != nil || p.action == change.Keep {
				return p.live, err
			}
		}
	})
	if err != nil {
		return err
	}
	a.done(p, applied)
	return nil
}

// again reads an object that has moved on since it was recorded. Where an attempt may
// have landed unseen, what was recorded stays: it is still what was there before.
func (a *application) again(ctx context.Context, p *planned, landed bool) error {
	if err := a.look(ctx, p); err != nil || landed || p.action == change.Keep {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.note([]*planned{p}); err != nil {
		return err
	}
	return a.record.Save()
}

func (a *application) done(p *planned, applied *unstructured.Unstructured) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e := a.record.find(p.key); e != nil {
		e.UID = applied.GetUID()
	}
	p.applied = applied
	a.applied = append(a.applied, applied)
	a.progress.Send(Applied, p.key, string(p.action))
}

// Commit removes the inventory from the cluster: what was applied is there to stay.
func (b *Objects) Commit(ctx context.Context, record *Record) error {
	return b.removeInventory(ctx, record)
}

// ours is true where an object is the one that the change created. Where the answer to
// the create was lost, its UID is not known, and the field manager tells; an object that
// says nothing but its name has none.
func (b *Objects) ours(o *unstructured.Unstructured, uid types.UID) bool {
	if uid != "" {
		return o.GetUID() == uid
	}
	managers := o.GetManagedFields()
	return len(managers) == 0 || slices.ContainsFunc(managers, func(m metav1.ManagedFieldsEntry) bool { return m.Manager == b.manager })
}
