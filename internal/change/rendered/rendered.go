// Package rendered brings decoded manifests, wherever they come from, into the form in
// which they are applied: variables put in, namespaces filled in, no object twice.
package rendered

import (
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/scope"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// DefaultNamespace is where namespaced objects go that name no namespace, unless the user
// names one.
const DefaultNamespace = "default"

// For returns copies of the objects for one target. Variables are put in where an object
// opts in. An object that stands twice is an error that names both places.
func For(target change.Target, namespace string, objects []snapshot.Object) ([]snapshot.Object, error) {
	copies := make([]snapshot.Object, len(objects))
	for i, o := range objects {
		copies[i] = snapshot.Object{Unstructured: o.DeepCopy(), Source: o.Source}
	}
	if err := substitute(copies, target); err != nil {
		return nil, err
	}
	scope.With(target.Known, copies).Place(copies, namespace)
	if _, err := snapshot.New(copies...); err != nil {
		return nil, err
	}
	return copies, nil
}
