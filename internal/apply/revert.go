package apply

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// Revert takes back what the record says, in the order that lets controllers clean up:
// webhooks, so that they block nothing; policies and custom resources, while what acts on
// them still runs; then what was updated or deleted is put back; then workloads, services
// and configuration, RBAC, namespaces, and CRDs last.
func (b *Objects) Revert(ctx context.Context, record *Record, progress Progress) (Outcome, error) {
	return b.RevertWith(ctx, record, progress, func(context.Context, *Outcome) error { return nil })
}

// RevertWith is Revert with a step of another tool in it: after policies and custom
// resources are gone, before everything else is taken back.
func (b *Objects) RevertWith(ctx context.Context, record *Record, progress Progress, step func(context.Context, *Outcome) error) (Outcome, error) {
	r := &reversion{Objects: b, record: record, progress: progress, step: step}
	err := r.run(ctx)
	return r.outcome, err
}

// reversion is one run of Revert.
type reversion struct {
	*Objects
	record   *Record
	progress Progress
	outcome  Outcome
	step     func(context.Context, *Outcome) error
}

func (r *reversion) run(ctx context.Context) error {
	r.clients.Refresh()
	if err := r.first(ctx); err != nil {
		return err
	}
	if len(r.outcome.Left) > 0 {
		r.postpone()
		return nil
	}
	steps := []func(context.Context) error{
		func(ctx context.Context) error { return r.step(ctx, &r.outcome) },
		r.putBack,
		r.removing(isWorkload),
		r.removeClaims,
		r.removing(isConfig),
		r.removing(isRBAC),
		r.removeNamespaces,
		r.takeBackCRDs,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if !r.outcome.Complete() {
		return nil
	}
	return r.removeInventory(ctx, r.record)
}

// first takes back what controllers have to act on before they may go themselves.
func (r *reversion) first(ctx context.Context) error {
	if err := r.takeBack(ctx, isWebhook); err != nil {
		return err
	}
	had, err := r.present(ctx, isInstruction)
	if err != nil {
		return err
	}
	if err := r.takeBack(ctx, isInstruction); err != nil {
		return err
	}
	if !had || len(r.outcome.Left) > 0 || !r.hasPolicyEngine() || r.options.Settle < 0 {
		return nil
	}
	// An engine that is stopped at once leaves its last rules in force on every node.
	r.progress.Send(Noted, snapshot.Key{}, fmt.Sprintf("giving the network plug-in %s to remove its rules", r.options.Settle))
	return sleep(ctx, r.options.Settle)
}

// present is true where any of these objects is still in the cluster.
func (r *reversion) present(ctx context.Context, class func(snapshot.Key) bool) (bool, error) {
	for _, e := range r.entries(class) {
		live, err := r.get(ctx, e.object())
		if err != nil || live != nil {
			return live != nil, err
		}
	}
	return false, nil
}

// postpone lists everything after the first steps as left: a controller that has not
// finished must not lose its pods, its permissions or its CRDs.
func (r *reversion) postpone() {
	var first []string
	for _, l := range r.outcome.Left {
		first = append(first, l.Object.String())
	}
	why := "not taken back yet, since what acts on " + strings.Join(first, ", ") + " must keep running until that is gone: run the rollback again then"
	for _, e := range r.record.Entries {
		if !isWebhook(e.Object) && !isInstruction(e.Object) {
			r.outcome.Leave(e.Object, why)
		}
	}
}

// takeBack puts back and removes the objects of one class.
func (r *reversion) takeBack(ctx context.Context, class func(snapshot.Key) bool) error {
	for _, e := range r.entries(class) {
		if e.Action == change.Update {
			if err := r.restore(ctx, e); err != nil {
				return err
			}
		}
	}
	return r.removing(class)(ctx)
}

// removing deletes the created objects of one class and waits until they are gone.
func (r *reversion) removing(class func(snapshot.Key) bool) func(context.Context) error {
	return func(ctx context.Context) error {
		var created []*Entry
		for _, e := range r.entries(class) {
			if e.Action == change.Create {
				created = append(created, e)
			}
		}
		return r.remove(ctx, created)
	}
}

// entries are those of a class, latest applied first.
func (r *reversion) entries(class func(snapshot.Key) bool) []*Entry {
	var out []*Entry
	for i := range r.record.Entries {
		if class(r.record.Entries[i].Object) {
			out = append(out, &r.record.Entries[i])
		}
	}
	slices.SortStableFunc(out, func(a, b *Entry) int { return byRank(b.Object, a.Object) })
	return out
}

func (r *reversion) hasPolicyEngine() bool {
	return slices.ContainsFunc(r.record.all(), func(record *Record) bool {
		return slices.ContainsFunc(record.Entries, func(e Entry) bool {
			if e.Object.Kind != "DaemonSet" {
				return false
			}
			// One that cannot be read is taken for an engine: waiting does no harm.
			o, err := record.after(&e)
			return err != nil || o == nil || isCNI(o)
		})
	})
}
