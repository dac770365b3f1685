// Package snapshot holds the objects of a cluster at one moment: read from a live
// cluster (sub-package live), from a directory of manifests (sub-package directory), or
// with a change laid over it.
package snapshot

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Key identifies an object whatever version of its API it is written in.
type Key struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// KeyOf is the key of an object.
func KeyOf(o *unstructured.Unstructured) Key {
	gvk := o.GroupVersionKind()
	return Key{gvk.Group, gvk.Kind, o.GetNamespace(), o.GetName()}
}

// String is the key as people write it: "Deployment.apps shop/web".
func (k Key) String() string {
	kind := schema.GroupKind{Group: k.Group, Kind: k.Kind}.String()
	if k.Namespace == "" {
		return kind + " " + k.Name
	}
	return kind + " " + k.Namespace + "/" + k.Name
}

// Compare orders keys by group, kind, namespace and name.
func (k Key) Compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Group, o.Group), cmp.Compare(k.Kind, o.Kind),
		cmp.Compare(k.Namespace, o.Namespace), cmp.Compare(k.Name, o.Name))
}

// Object is one object and where it was read: "shop/web.yaml:12", or empty for a live one.
type Object struct {
	*unstructured.Unstructured
	Source string
}

// Snapshot is a set of objects, each key at most once.
type Snapshot struct {
	objects map[Key]Object
	// Derived is true where pods and endpoints must be derived from workloads and
	// Services, since what runs is not known: a directory, or a change laid over a cluster.
	Derived bool
}

// New makes a snapshot. A key that stands twice is an error that names both places.
func New(objects ...Object) (*Snapshot, error) {
	s := &Snapshot{objects: make(map[Key]Object, len(objects))}
	for _, o := range objects {
		k := KeyOf(o.Unstructured)
		if twin, ok := s.objects[k]; ok {
			return nil, fmt.Errorf("%s: %s is already defined at %s: remove one of the two", o.Source, k, twin.Source)
		}
		s.objects[k] = o
	}
	return s, nil
}

// Len is the number of objects.
func (s *Snapshot) Len() int { return len(s.objects) }

// Get returns the object with that key.
func (s *Snapshot) Get(k Key) (Object, bool) {
	o, ok := s.objects[k]
	return o, ok
}

// All returns every object, ordered by key.
func (s *Snapshot) All() []Object {
	return s.filter(func(Key) bool { return true })
}

// Kind returns the objects of one group and kind, ordered by key.
func (s *Snapshot) Kind(group, kind string) []Object {
	return s.filter(func(k Key) bool { return k.Group == group && k.Kind == kind })
}

// Overlay returns a new snapshot with the objects of a change put in, or in the place of
// what was there under the same key. What runs is then derived.
func (s *Snapshot) Overlay(changed ...Object) *Snapshot {
	out := &Snapshot{objects: make(map[Key]Object, len(s.objects)+len(changed)), Derived: true}
	for k, o := range s.objects {
		out.objects[k] = o
	}
	for _, o := range changed {
		out.objects[KeyOf(o.Unstructured)] = o
	}
	return out
}

// Without returns a new snapshot that lacks the objects with these keys. What is not there
// does not matter.
func (s *Snapshot) Without(keys ...Key) *Snapshot {
	out := &Snapshot{objects: maps.Clone(s.objects), Derived: s.Derived}
	for _, k := range keys {
		delete(out.objects, k)
	}
	return out
}

func (s *Snapshot) filter(keep func(Key) bool) []Object {
	var keys []Key
	for k := range s.objects {
		if keep(k) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, Key.Compare)
	out := make([]Object, len(keys))
	for i, k := range keys {
		out[i] = s.objects[k]
	}
	return out
}
