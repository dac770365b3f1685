package apply

import (
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/stagegate/stagegate/internal/snapshot"
)

// object is one object of a change, brought into the form that this cluster takes.
type object struct {
	*unstructured.Unstructured
	key    snapshot.Key
	source string
	// known is false where its kind comes with a CRD that is not there yet.
	known bool
}

// resolve strips what only a live object has, and settles each object's namespace by the
// scope of its kind. A kind that neither the cluster nor the change has is an error, and
// so is an object that stands twice.
func (c *Clients) resolve(objects []snapshot.Object, pending *Pending) ([]*object, error) {
	for _, o := range objects {
		pending.add(o.Unstructured)
	}
	out := make([]*object, 0, len(objects))
	seen := map[snapshot.Key]*object{}
	var errs []error
	for _, o := range objects {
		r, err := c.resolveOne(o, pending)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if twin := seen[r.key]; twin != nil {
			errs = append(errs, fmt.Errorf("%s: %s is already defined at %s: remove one of the two", r.source, r.key, twin.source))
		}
		seen[r.key] = r
		out = append(out, r)
	}
	return out, errors.Join(errs...)
}

func (c *Clients) resolveOne(o snapshot.Object, pending *Pending) (*object, error) {
	u := bare(o.Unstructured)
	gvk := u.GroupVersionKind()
	if u.GetName() == "" {
		return nil, fmt.Errorf("%s: %s has no metadata.name: give it one, a change must know what it creates", o.Source, gvk.Kind)
	}
	namespaced, known, err := c.scope(gvk, pending)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", o.Source, snapshot.KeyOf(u), err)
	}
	switch {
	case !namespaced:
		u.SetNamespace("")
	case u.GetNamespace() == "":
		u.SetNamespace("default")
	}
	return &object{Unstructured: u, key: snapshot.KeyOf(u), source: o.Source, known: known}, nil
}

// scope finds out whether a kind is namespaced, and whether the cluster knows it already.
func (c *Clients) scope(gvk schema.GroupVersionKind, pending *Pending) (namespaced, known bool, err error) {
	m, err := c.Mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err == nil {
		return m.Scope.Name() == meta.RESTScopeNameNamespace, true, nil
	}
	if !meta.IsNoMatchError(err) {
		return false, false, fmt.Errorf("looking up its kind: %w", err)
	}
	if namespaced, ok := pending.kinds[gvk.GroupKind()]; ok {
		return namespaced, false, nil
	}
	return false, false, fmt.Errorf("the cluster has no kind %s in %s: add its CustomResourceDefinition to the change, or correct apiVersion and kind",
		gvk.Kind, gvk.GroupVersion())
}

// resource is where objects of that kind and namespace are read and written.
func (c *Clients) resource(gvk schema.GroupVersionKind, namespace string) (dynamic.ResourceInterface, error) {
	m, err := c.Mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return nil, err
	}
	if m.Scope.Name() == meta.RESTScopeNameNamespace {
		return c.Dynamic.Resource(m.Resource).Namespace(namespace), nil
	}
	return c.Dynamic.Resource(m.Resource), nil
}

// confirmAbsent is nil where the cluster truly has no such kind. That the mapper does not
// know it can also mean that an API group did not answer.
func (c *Clients) confirmAbsent(gvk schema.GroupVersionKind) error {
	list, err := c.Typed.Discovery().ServerResourcesForGroupVersion(gvk.GroupVersion().String())
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking up kind %s: %w", gvk.Kind, err)
	}
	for _, r := range list.APIResources {
		if r.Kind == gvk.Kind {
			c.Refresh()
			return fmt.Errorf("looking up kind %s: the cluster had it only now: run it again", gvk.Kind)
		}
	}
	return nil
}

// bare is a copy without what the API server alone writes.
func bare(o *unstructured.Unstructured) *unstructured.Unstructured {
	u := o.DeepCopy()
	for _, f := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "selfLink", "managedFields"} {
		unstructured.RemoveNestedField(u.Object, "metadata", f)
	}
	delete(u.Object, "status")
	return u
}
