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

// kind is an API group and a kind in it.
type kind struct{ group, name string }

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

func (k kind) compare(o kind) int {
	return cmp.Or(cmp.Compare(k.group, o.group), cmp.Compare(k.name, o.name))
}

// Object is one object and where it was read: "shop/web.yaml:12", or empty for a live one.
type Object struct {
	*unstructured.Unstructured
	Source string
}

// Snapshot is a set of objects, each key at most once.
type Snapshot struct {
	kinds map[kind]map[Key]Object // most readers ask for one kind
	// Derived is true where pods and endpoints must be derived from workloads and
	// Services, since what runs is not known: a directory, or a change laid over a cluster.
	Derived bool
}

// New makes a snapshot. A key that stands twice is an error that names both places.
func New(objects ...Object) (*Snapshot, error) {
	s := &Snapshot{kinds: map[kind]map[Key]Object{}}
	for _, o := range objects {
		k := KeyOf(o.Unstructured)
		if twin, ok := s.Get(k); ok {
			return nil, fmt.Errorf("%s: %s is already defined at %s: remove one of the two", o.Source, k, twin.Source)
		}
		s.put(k, o)
	}
	return s, nil
}

func (s *Snapshot) put(k Key, o Object) {
	of := kind{k.Group, k.Kind}
	if s.kinds[of] == nil {
		s.kinds[of] = map[Key]Object{}
	}
	s.kinds[of][k] = o
}

// Len is the number of objects.
func (s *Snapshot) Len() int {
	n := 0
	for _, objects := range s.kinds {
		n += len(objects)
	}
	return n
}

// Get returns the object with that key.
func (s *Snapshot) Get(k Key) (Object, bool) {
	o, ok := s.kinds[kind{k.Group, k.Kind}][k]
	return o, ok
}

// All returns every object, ordered by key.
func (s *Snapshot) All() []Object {
	out := make([]Object, 0, s.Len())
	for _, k := range slices.SortedFunc(maps.Keys(s.kinds), kind.compare) {
		out = append(out, s.Kind(k.group, k.name)...)
	}
	return out
}

// Kind returns the objects of one group and kind, ordered by key.
func (s *Snapshot) Kind(group, name string) []Object {
	objects := s.kinds[kind{group, name}]
	out := make([]Object, 0, len(objects))
	for _, k := range slices.SortedFunc(maps.Keys(objects), Key.Compare) {
		out = append(out, objects[k])
	}
	return out
}

// Overlay returns a new snapshot with the objects of a change put in, or in the place of
// what was there under the same key. What runs is then derived.
func (s *Snapshot) Overlay(changed ...Object) *Snapshot {
	out := s.clone()
	out.Derived = true
	for _, o := range changed {
		out.put(KeyOf(o.Unstructured), o)
	}
	return out
}

// Without returns a new snapshot that lacks the objects with these keys. What is not there
// does not matter.
func (s *Snapshot) Without(keys ...Key) *Snapshot {
	out := s.clone()
	for _, k := range keys {
		delete(out.kinds[kind{k.Group, k.Kind}], k)
	}
	return out
}

func (s *Snapshot) clone() *Snapshot {
	out := &Snapshot{kinds: make(map[kind]map[Key]Object, len(s.kinds)), Derived: s.Derived}
	for k, objects := range s.kinds {
		out.kinds[k] = maps.Clone(objects)
	}
	return out
}
