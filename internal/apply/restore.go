package apply

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// putBack restores what was updated and creates again what was deleted, what others
// depend on first, and waits until what was ready before is ready again.
func (r *reversion) putBack(ctx context.Context) error {
	entries := r.entries(func(k snapshot.Key) bool { return !isWebhook(k) })
	var restored []*unstructured.Unstructured
	for i := len(entries) - 1; i >= 0; i-- {
		e := entries[i]
		switch {
		case e.Action == change.Delete:
			if err := r.recreate(ctx, e); err != nil {
				return err
			}
		case e.Action == change.Update && !isInstruction(e.Object) && !isCRD(e.Object):
			if err := r.restore(ctx, e); err != nil {
				return err
			}
		default:
			continue
		}
		if before, err := r.record.before(e); err == nil && wasReady(before) {
			restored = append(restored, before)
		}
	}
	return r.waitRestored(ctx, restored)
}

func wasReady(o *unstructured.Unstructured) bool {
	s, err := status.Compute(o)
	return err == nil && s.Status == status.CurrentStatus
}

func (r *reversion) waitRestored(ctx context.Context, restored []*unstructured.Unstructured) error {
	err := r.WaitReady(ctx, restored, r.progress)
	var notReady *NotReadyError
	if !asNotReady(err, &notReady) {
		return err
	}
	for _, l := range notReady.Objects {
		r.outcome.Leave(l.Object, "put back, but it was ready before and is not again: "+l.Why)
	}
	return nil
}

// restore takes our change out of an updated object, and leaves what others changed since.
func (r *reversion) restore(ctx context.Context, e *Entry) error {
	before, err := r.record.before(e)
	if err != nil {
		return err
	}
	after, err := r.record.after(e)
	if err != nil {
		return err
	}
	edited, err := retry(ctx, r.options.RetryFor, func(int) ([]string, error) {
		for moved := 0; ; moved++ {
			edited, err := r.restoreOnce(ctx, e, before, after)
			if !apierrors.IsConflict(err) || moved == maxMoves {
				return edited, err
			}
		}
	})
	if len(edited) > 0 {
		r.outcome.kept(e.Object, "changed by others since: "+strings.Join(edited, ", "))
	}
	return r.judge(e.Object, "putting it back", err)
}

func (r *reversion) restoreOnce(ctx context.Context, e *Entry, before, after *unstructured.Unstructured) ([]string, error) {
	live, err := r.get(ctx, e.object())
	if err != nil {
		return nil, err
	}
	if live != nil && e.Hook {
		after = live // whatever the hook made of it
	} else if live == nil || live.GetUID() != e.UID {
		return []string{"the whole object: it was deleted, or replaced by another"}, nil
	}
	want, edited := merge("", mergeable(before), mergeable(after), mergeable(live))
	next := live.DeepCopy()
	overlay(next, want.(map[string]any))
	if !reflect.DeepEqual(next.Object, live.Object) {
		if next, err = r.put(ctx, next); err != nil {
			return edited, err
		}
		r.progress.Send(Restored, e.Object, "")
	}
	return edited, r.restoreOwners(ctx, next, before, len(edited) == 0)
}

// restoreOwners gives the fields back to the managers that owned them; a restore would
// otherwise make them ours. It takes a second request: the API server notes whoever
// changes a value as its owner.
func (r *reversion) restoreOwners(ctx context.Context, live, before *unstructured.Unstructured, untouched bool) error {
	owners := r.owners(live.GetManagedFields(), before.GetManagedFields(), untouched)
	if sameOwners(owners, live.GetManagedFields()) {
		return nil
	}
	next := live.DeepCopy()
	if len(owners) == 0 {
		owners = []metav1.ManagedFieldsEntry{{}} // how the API is told that there are none
	}
	next.SetManagedFields(owners)
	_, err := r.put(ctx, next)
	return err
}

// owners are those of before, with the current ones of the status; where others changed
// the object since, theirs stay and only ours is put back.
func (r *reversion) owners(current, before []metav1.ManagedFieldsEntry, untouched bool) []metav1.ManagedFieldsEntry {
	var out []metav1.ManagedFieldsEntry
	for _, m := range current {
		if m.Subresource != "" || !untouched && m.Manager != r.manager && m.Manager != FieldManager {
			out = append(out, m)
		}
	}
	for _, m := range before {
		if m.Subresource == "" && (untouched || m.Manager == r.manager || m.Manager == FieldManager) {
			out = append(out, m)
		}
	}
	return out
}

func sameOwners(a, b []metav1.ManagedFieldsEntry) bool {
	if len(a) != len(b) {
		return false
	}
	seen := map[string]bool{}
	for _, m := range a {
		seen[ownerText(m)] = true
	}
	for _, m := range b {
		if !seen[ownerText(m)] {
			return false
		}
	}
	return true
}

func ownerText(m metav1.ManagedFieldsEntry) string {
	fields := ""
	if m.FieldsV1 != nil {
		fields = m.FieldsV1.GetRawString()
	}
	return fmt.Sprintf("%s/%s/%s/%s %s", m.Manager, m.Operation, m.Subresource, m.APIVersion, fields)
}

func (r *reversion) put(ctx context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	ri, err := r.clients.resource(o.GroupVersionKind(), o.GetNamespace())
	if err != nil {
		return nil, err
	}
	return ri.Update(ctx, o, metav1.UpdateOptions{FieldManager: FieldManager})
}

// recreate creates an object that the change deleted, as it was.
func (r *reversion) recreate(ctx context.Context, e *Entry) error {
	before, err := r.record.before(e)
	if err != nil {
		return err
	}
	_, err = retry(ctx, r.options.RetryFor, func(int) (any, error) {
		live, err := r.get(ctx, e.object())
		if err != nil || live != nil {
			return nil, err
		}
		ri, err := r.clients.resource(e.gvk(), e.Object.Namespace)
		if err != nil {
			return nil, err
		}
		live, err = ri.Create(ctx, bare(before), metav1.CreateOptions{FieldManager: FieldManager})
		if err != nil {
			return nil, err
		}
		r.progress.Send(Restored, e.Object, "created again")
		return nil, r.restoreOwners(ctx, live, before, true)
	})
	return r.judge(e.Object, "creating it again", err)
}

// mergeable is what a restore is about: an object without status and book-keeping.
func mergeable(o *unstructured.Unstructured) any {
	if o == nil {
		return nil
	}
	return bare(o).Object
}

// overlay puts the merged content into a live object, whose book-keeping stays.
func overlay(live *unstructured.Unstructured, content map[string]any) {
	status, hasStatus := live.Object["status"]
	meta, _ := live.Object["metadata"].(map[string]any)
	next, _ := content["metadata"].(map[string]any)
	for _, f := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "selfLink", "managedFields"} {
		if v, ok := meta[f]; ok {
			next[f] = v
		}
	}
	live.Object = content
	if hasStatus {
		live.Object["status"] = status
	}
}
