package apply

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Pending is what a change creates on its way, and what later objects of it may therefore
// rely on although the cluster does not have it yet: namespaces, and kinds of new CRDs.
type Pending struct {
	namespaces map[string]bool
	kinds      map[schema.GroupKind]bool // value: namespaced
}

// NewPending is empty.
func NewPending() *Pending {
	return &Pending{map[string]bool{}, map[schema.GroupKind]bool{}}
}

// HasNamespace is true for a namespace that will be there.
func (p *Pending) HasNamespace(name string) bool { return p.namespaces[name] }

// Add notes what an object brings about that another tool will create.
func (p *Pending) Add(o *unstructured.Unstructured) { p.add(o) }

// add notes what the object brings about, if it is a namespace or a CRD.
func (p *Pending) add(o *unstructured.Unstructured) {
	switch o.GroupVersionKind().GroupKind() {
	case namespaceKind:
		p.namespaces[o.GetName()] = true
	case crdKind:
		group, _, _ := unstructured.NestedString(o.Object, "spec", "group")
		kind, _, _ := unstructured.NestedString(o.Object, "spec", "names", "kind")
		scope, _, _ := unstructured.NestedString(o.Object, "spec", "scope")
		p.kinds[schema.GroupKind{Group: group, Kind: kind}] = scope == "Namespaced"
	}
}

// The kinds that others depend on.
var (
	namespaceKind = schema.GroupKind{Kind: "Namespace"}
	crdKind       = schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
)
