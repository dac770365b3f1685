// Package validate finds mistakes in objects without a cluster: fields that their kind
// does not have, values of the wrong type, kinds that nothing defines. Kubernetes' own kinds
// are held against its Go types, custom ones against their CustomResourceDefinition.
//
// What only a cluster can tell (admission, CEL rules, immutable fields) is left to its
// dry run.
package validate

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/stagegate/stagegate/internal/snapshot"
)

// Objects returns what is wrong with the objects of a change, in their order. Known is what
// the target has already, and may be nil. Each error names the place and the field, and
// none shows a value.
func Objects(objects []snapshot.Object, known *snapshot.Snapshot) []error {
	definitions := definitionsOf(objects, known)
	var errs []error
	for _, o := range objects {
		for _, problem := range check(o, definitions, known) {
			errs = append(errs, fmt.Errorf("%s: %s: %s", o.Source, snapshot.KeyOf(o.Unstructured), problem))
		}
	}
	return errs
}

func check(o snapshot.Object, definitions definitions, known *snapshot.Snapshot) []string {
	gvk := o.GroupVersionKind()
	switch {
	case gvk.GroupKind() == definitionKind:
		return checkDefinition(o)
	case scheme.Scheme.Recognizes(gvk):
		return checkBuiltIn(o, gvk)
	}
	if d, ok := definitions.custom[gvk.GroupKind()]; ok {
		return d.check(o)
	}
	if versions := scheme.Scheme.VersionsForGroupKind(gvk.GroupKind()); len(versions) > 0 {
		return []string{otherVersion(gvk, versions)}
	}
	if definitions.aggregated[gvk.GroupVersion()] || seen(known, gvk.GroupKind()) {
		return nil
	}
	return []string{fmt.Sprintf("unknown kind %s of %s: neither the change nor the target has a CustomResourceDefinition for it: "+
		"add it to the change, or install it first", gvk.Kind, gvk.GroupVersion())}
}

// seen tells whether the target has objects of a kind: then it exists there, even where
// its definition is not known, as in a directory of manifests.
func seen(known *snapshot.Snapshot, gk schema.GroupKind) bool {
	return known != nil && len(known.Kind(gk.Group, gk.Kind)) > 0
}

// Namespaces returns an error for each object whose namespace neither the change nor the
// target has. Nothing is found where the namespaces of the target are not known.
func Namespaces(objects []snapshot.Object, known *snapshot.Snapshot) []error {
	if known == nil || len(known.Kind("", "Namespace")) == 0 {
		return nil
	}
	all := known.Overlay(objects...)
	var errs []error
	for _, o := range objects {
		namespace := o.GetNamespace()
		_, ok := all.Get(snapshot.Key{Kind: "Namespace", Name: namespace})
		if namespace != "" && !ok && namespace != "default" && !strings.HasPrefix(namespace, "kube-") {
			errs = append(errs, fmt.Errorf("%s: %s: there is no namespace %q: add it to the change, or correct metadata.namespace",
				o.Source, snapshot.KeyOf(o.Unstructured), namespace))
		}
	}
	return errs
}
