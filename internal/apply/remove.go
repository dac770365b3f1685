package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stagegate/stagegate/internal/snapshot"
)

// object is what is needed to find an entry's object in the cluster.
func (e *Entry) object() *object {
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(e.gvk())
	u.SetNamespace(e.Object.Namespace)
	u.SetName(e.Object.Name)
	return &object{Unstructured: u, key: e.Object, known: true}
}

// remove deletes created objects and waits until they are gone. What cannot be deleted
// is left; only an API that does not answer is an error.
func (r *reversion) remove(ctx context.Context, created []*Entry) error {
	var mu sync.Mutex
	var going []*object
	err := each(ctx, r.options.Concurrency, created, func(ctx context.Context, e *Entry) error {
		live, err := r.removeOne(ctx, e, &mu)
		mu.Lock()
		defer mu.Unlock()
		if live != nil && err == nil {
			going = append(going, &object{Unstructured: live, key: e.Object, known: true})
		}
		return r.judge(e.Object, "deleting it", err)
	})
	if err != nil {
		return err
	}
	return r.waitGone(ctx, going)
}

// removeOne returns the object that is being deleted, nil where there is none of ours.
func (r *reversion) removeOne(ctx context.Context, e *Entry, mu *sync.Mutex) (*unstructured.Unstructured, error) {
	live, err := r.get(ctx, e.object())
	if err != nil || live == nil {
		return nil, err
	}
	uid := e.UID
	if e.Hook {
		uid = "" // a later run of the hook may have replaced it
	}
	if !r.ours(live, uid) {
		mu.Lock()
		defer mu.Unlock()
		r.outcome.kept(e.Object, "the object of this name is not the one that the change created")
		return nil, nil
	}
	return live, r.delete(ctx, live, e.Object)
}

// delete asks for the deletion of exactly this object, dependents first where it is one
// whose dependents do the work. A policy has none, and goes at once: for half a minute after
// its CRD was made the garbage collector does not know of it, and traffic would stay cut.
func (r *reversion) delete(ctx context.Context, live *unstructured.Unstructured, k snapshot.Key) error {
	if live.GetDeletionTimestamp() != nil {
		return nil
	}
	uid := live.GetUID()
	policy := metav1.DeletePropagationBackground
	if isWorkload(k) || custom(k.Group) && !isPolicy(k) {
		policy = metav1.DeletePropagationForeground
	}
	_, err := retry(ctx, r.options.RetryFor, func(int) (any, error) {
		ri, err := r.clients.resource(live.GroupVersionKind(), live.GetNamespace())
		if err != nil {
			return nil, err
		}
		return nil, ri.Delete(ctx, live.GetName(), metav1.DeleteOptions{
			Preconditions: &metav1.Preconditions{UID: &uid}, PropagationPolicy: &policy,
		})
	})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil // it is gone, or another one has taken its name; waitGone sees which
	}
	return err
}

// judge puts a refusal among what is left, and returns what stops the revert.
func (r *reversion) judge(k snapshot.Key, doing string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || unanswered(err) {
		return fmt.Errorf("%s: %s: %w", k, doing, err)
	}
	r.outcome.Leave(k, fmt.Sprintf("%s: %v", doing, withRemedy(err)))
	return nil
}

// unanswered is true where the API server did not answer at all.
func unanswered(err error) bool {
	status := apierrors.APIStatus(nil)
	return transient(err) && !errors.As(err, &status)
}

// waitGone waits until the objects are no more. One that stays has a finalizer, which is
// its controller's to remove, not ours.
func (r *reversion) waitGone(ctx context.Context, going []*object) error {
	deadline := time.Now().Add(r.options.DeleteTimeout)
	for wait := 50 * time.Millisecond; len(going) > 0; wait = min(2*wait, time.Second) {
		remaining, err := r.remaining(ctx, going)
		if err != nil {
			return err
		}
		if time.Now().After(deadline) {
			for _, o := range remaining {
				r.outcome.Leave(o.key, r.stuck(o))
			}
			return nil
		}
		if going = remaining; len(going) > 0 {
			if err := sleep(ctx, wait); err != nil {
				return err
			}
		}
	}
	return nil
}

// remaining are those that still exist, as they are now.
func (r *reversion) remaining(ctx context.Context, going []*object) ([]*object, error) {
	var mu sync.Mutex
	var out []*object
	err := each(ctx, r.options.Concurrency, going, func(ctx context.Context, o *object) error {
		live, err := r.get(ctx, o)
		if err != nil {
			return fmt.Errorf("waiting until %s is gone: %w", o.key, err)
		}
		mu.Lock()
		defer mu.Unlock()
		if live == nil || live.GetUID() != o.GetUID() {
			r.progress.Send(Deleted, o.key, "")
			return nil
		}
		out = append(out, &object{Unstructured: live, key: o.key, known: true})
		return nil
	})
	return out, err
}

func (r *reversion) stuck(o *object) string {
	why := fmt.Sprintf("still there %s after it was deleted", r.options.DeleteTimeout)
	if f := o.GetFinalizers(); len(f) > 0 {
		why += fmt.Sprintf(": finalizer %s has not been removed: see to its controller, then run the rollback again", strings.Join(f, ", "))
	}
	return why
}
