package apply

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stagegate/stagegate/internal/change"
)

// planned is what an object would become.
type planned struct {
	*object
	action change.Action
	live   *unstructured.Unstructured // nil where there is none
	after  *unstructured.Unstructured // nil where it could not be asked for yet
	// deferred says why the dry run has to wait; empty where it was made.
	deferred string
	hook     bool // created and replaced by the tool that runs it
	// applied is what the API server answered when it was applied.
	applied *unstructured.Unstructured
}

// preflight asks the API server what each object would become, by a dry run with all of
// validation and admission, and changes nothing.
func (b *Objects) preflight(ctx context.Context, objects []*object, pending *Pending) ([]*planned, error) {
	absent, err := b.absentNamespaces(ctx, pending)
	if err != nil {
		return nil, err
	}
	out := make([]*planned, len(objects))
	index := make([]int, len(objects))
	for i := range index {
		index[i] = i
	}
	err = each(ctx, b.options.Concurrency, index, func(ctx context.Context, i int) error {
		var err error
		out[i], err = b.preflightOne(ctx, objects[i], pending, absent)
		return explain(objects[i], err)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (b *Objects) preflightOne(ctx context.Context, o *object, pending *Pending, absent map[string]bool) (*planned, error) {
	p := &planned{object: o, action: change.Create}
	switch {
	case !o.known:
		p.deferred = "its kind is created by the change"
		return p, nil
	case absent[o.GetNamespace()]:
		p.deferred = "its namespace is created by the change"
		return p, nil
	}
	if err := b.look(ctx, p); err != nil {
		_, changing := pending.kinds[o.GroupVersionKind().GroupKind()]
		if !changing || !apierrors.IsInvalid(err) && !apierrors.IsBadRequest(err) && !apierrors.IsInternalError(err) {
			return nil, err
		}
		// Its CRD is part of the change and may allow by then what it refuses now.
		p.deferred = "its kind is changed by the change"
	}
	return p, nil
}

// look reads the live object and makes the dry run.
func (b *Objects) look(ctx context.Context, p *planned) error {
	live, err := b.get(ctx, p.object)
	if err != nil {
		return err
	}
	p.live, p.action = live, change.Create
	if live != nil {
		p.action = change.Update
	}
	if err := keepsStoredVersions(live, p.Unstructured); err != nil {
		return err
	}
	after, err := retry(ctx, b.options.RetryFor, func(int) (*unstructured.Unstructured, error) {
		return b.patch(ctx, p.Unstructured, true)
	})
	if err != nil {
		return err
	}
	p.after = after
	if live != nil && len(differences(live, after)) == 0 {
		p.action = change.Keep
	}
	return nil
}

// get reads an object; nil where there is none, or where its kind is not known.
func (b *Objects) get(ctx context.Context, o *object) (*unstructured.Unstructured, error) {
	return retry(ctx, b.options.RetryFor, func(int) (*unstructured.Unstructured, error) {
		ri, err := b.clients.resource(o.GroupVersionKind(), o.GetNamespace())
		if meta.IsNoMatchError(err) {
			return nil, b.clients.confirmAbsent(o.GroupVersionKind())
		}
		if err != nil {
			return nil, err
		}
		live, err := ri.Get(ctx, o.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil, nil
		}
		return live, err
	})
}

// patch applies an object server-side, for real or as a dry run.
func (b *Objects) patch(ctx context.Context, o *unstructured.Unstructured, dryRun bool) (*unstructured.Unstructured, error) {
	ri, err := b.clients.resource(o.GroupVersionKind(), o.GetNamespace())
	if err != nil {
		return nil, err
	}
	options := metav1.ApplyOptions{FieldManager: b.manager, Force: b.force}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	return ri.Apply(ctx, o.GetName(), o, options)
}

// absentNamespaces are those of the pending ones that the cluster does not have yet.
func (b *Objects) absentNamespaces(ctx context.Context, pending *Pending) (map[string]bool, error) {
	absent := map[string]bool{}
	for name := range pending.namespaces {
		_, err := retry(ctx, b.options.RetryFor, func(int) (any, error) {
			return b.clients.Typed.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
		})
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("reading namespace %s: %w", name, err)
		}
		absent[name] = err != nil
	}
	return absent, nil
}

// keepsStoredVersions refuses a CRD that no longer has a version in which objects are
// stored: they could not be read any more.
func keepsStoredVersions(live, next *unstructured.Unstructured) error {
	if live == nil || next.GroupVersionKind().GroupKind() != crdKind {
		return nil
	}
	stored, _, _ := unstructured.NestedStringSlice(live.Object, "status", "storedVersions")
	versions, _, _ := unstructured.NestedSlice(next.Object, "spec", "versions")
	for _, s := range stored {
		has := slices.ContainsFunc(versions, func(v any) bool {
			m, ok := v.(map[string]any)
			return ok && m["name"] == s
		})
		if !has {
			return fmt.Errorf("version %s is dropped but objects are stored in it: keep it, migrate the objects, and take it out of status.storedVersions first", s)
		}
	}
	return nil
}
