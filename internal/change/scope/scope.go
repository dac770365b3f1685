// Package scope knows which kinds live in namespaces, without asking a cluster: those of
// Kubernetes itself, those of the policy and gateway APIs that stagegate models, and
// those of the CustomResourceDefinitions that a change brings along.
package scope

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/stagegate/stagegate/internal/snapshot"
)

// Scope is where objects of a kind live. The zero value is Unknown.
type Scope int

// The scopes.
const (
	Unknown Scope = iota
	Namespaced
	Cluster
)

// Scopes tells the scope of kinds.
type Scopes map[schema.GroupKind]Scope

// Of collects the scopes that the definitions among objects declare.
func Of(objects []snapshot.Object) Scopes {
	scopes := Scopes{}
	for _, o := range objects {
		if o.GroupVersionKind().GroupKind() != definitionKind {
			continue
		}
		group, _, _ := unstructured.NestedString(o.Object, "spec", "group")
		kind, _, _ := unstructured.NestedString(o.Object, "spec", "names", "kind")
		where, _, _ := unstructured.NestedString(o.Object, "spec", "scope")
		switch where {
		case "Namespaced":
			scopes[schema.GroupKind{Group: group, Kind: kind}] = Namespaced
		case "Cluster":
			scopes[schema.GroupKind{Group: group, Kind: kind}] = Cluster
		}
	}
	return scopes
}

// With is Of for the objects of a change and what its target has already, which may be nil.
func With(known *snapshot.Snapshot, objects []snapshot.Object) Scopes {
	if known == nil {
		return Of(objects)
	}
	return Of(append(known.Kind(definitionKind.Group, definitionKind.Kind), objects...))
}

// Kind is the scope of one kind. What was found is kept.
func (s Scopes) Kind(gk schema.GroupKind) Scope {
	where, ok := s[gk]
	if !ok {
		where = find(gk)
		s[gk] = where
	}
	return where
}

func find(gk schema.GroupKind) Scope {
	if kinds, ok := clusterKinds[gk.Group]; ok && kinds[gk.Kind] {
		return Cluster
	}
	if BuiltIn(gk) || namespacedGroups[gk.Group] {
		return Namespaced
	}
	return Unknown
}

// BuiltIn tells whether a kind is one of Kubernetes' own.
func BuiltIn(gk schema.GroupKind) bool {
	return gk == definitionKind || len(scheme.Scheme.VersionsForGroupKind(gk)) > 0
}

// Place puts namespaced objects without a namespace into the default one, and takes the
// namespace off cluster-scoped ones, as an API server does. An object of an unknown kind is
// left as it is. The objects themselves are changed.
func (s Scopes) Place(objects []snapshot.Object, namespace string) {
	for _, o := range objects {
		switch s.Kind(o.GroupVersionKind().GroupKind()) {
		case Namespaced:
			if o.GetNamespace() == "" {
				o.SetNamespace(namespace)
			}
		case Cluster:
			if o.GetNamespace() != "" {
				o.SetNamespace("")
			}
		}
	}
}
