package topology

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/stagegate/stagegate/internal/snapshot"
)

// workloadOf follows the controllers of an object to the top: a pod's ReplicaSet, its
// Deployment. A pod without one, or with only its node, is its own workload.
func (b *builder) workloadOf(o snapshot.Object) string {
	key := snapshot.KeyOf(o.Unstructured)
	for range 8 { // chains are two or three long; a loop ends too
		owner, ok := b.ownerOf(o)
		if !ok {
			break
		}
		key = owner
		if o, ok = b.snapshot.Get(owner); !ok {
			break
		}
	}
	return workloadName(key)
}

// ownerOf is the controller of an object. Where a dump left out the ReplicaSets, the
// Deployment is known by the hash that ends their names.
func (b *builder) ownerOf(o snapshot.Object) (snapshot.Key, bool) {
	ref := metav1.GetControllerOf(o)
	if ref == nil || ref.Kind == "Node" {
		return snapshot.Key{}, false
	}
	owner := snapshot.Key{Group: groupOf(ref.APIVersion), Kind: ref.Kind, Namespace: o.GetNamespace(), Name: ref.Name}
	if _, known := b.snapshot.Get(owner); known || ref.Kind != "ReplicaSet" {
		return owner, true
	}
	name, ok := strings.CutSuffix(ref.Name, "-"+o.GetLabels()["pod-template-hash"])
	deployment := snapshot.Key{Group: "apps", Kind: "Deployment", Namespace: o.GetNamespace(), Name: name}
	if _, known := b.snapshot.Get(deployment); ok && known {
		return deployment, true
	}
	return owner, true
}

func groupOf(apiVersion string) string {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil { // owner references are the API server's: it would not let one pass
		return apiVersion
	}
	return gv.Group
}

// workloadName writes a workload as an endpoint: "deployment/shop/web"; that of a custom
// controller with its group: "rollout.argoproj.io/shop/web".
func workloadName(k snapshot.Key) string {
	kind := strings.ToLower(k.Kind)
	switch k.Group {
	case "", "apps", "batch":
	default:
		kind += "." + k.Group
	}
	return kind + "/" + k.Namespace + "/" + k.Name
}
