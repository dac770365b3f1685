package applytest

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// volatile kinds are written by controllers all the time, or keep their history.
var volatile = []string{"Event", "Lease", "ReplicaSet", "ControllerRevision", "Endpoints", "EndpointSlice", "Pod", "Node", "IPAddress"}

// Dump is every object of the cluster as JSON by its key, field owners included, less
// resource version, UID, generation, status and times.
func Dump(t testing.TB, c *apply.Clients) map[string]string {
	t.Helper()
	lists, err := c.Typed.Discovery().ServerPreferredResources()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list.APIResources {
			if slices.Contains(r.Verbs, "list") && !slices.Contains(volatile, r.Kind) {
				dumpResource(t, c, gv.WithResource(r.Name), out)
			}
		}
	}
	return out
}

func dumpResource(t testing.TB, c *apply.Clients, gvr schema.GroupVersionResource, out map[string]string) {
	t.Helper()
	items, err := c.Dynamic.Resource(gvr).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Logf("listing %s: %v", gvr, err)
		return // its CRD is just going
	}
	for i := range items.Items {
		o := &items.Items[i]
		if !standard(o) {
			out[snapshot.KeyOf(o).String()] = normal(t, o)
		}
	}
}

// standard objects come to every namespace, some time after the namespace.
func standard(o *unstructured.Unstructured) bool {
	return o.GetKind() == "ServiceAccount" && o.GetName() == "default" || o.GetKind() == "ConfigMap" && o.GetName() == "kube-root-ca.crt"
}

func normal(t testing.TB, o *unstructured.Unstructured) string {
	t.Helper()
	managed := o.GetManagedFields()
	for i := range managed {
		managed[i].Time = nil
	}
	managed = slices.DeleteFunc(managed, func(m metav1.ManagedFieldsEntry) bool { return m.Subresource != "" })
	o.SetManagedFields(managed)
	for _, f := range []string{"uid", "resourceVersion", "generation", "creationTimestamp"} {
		unstructured.RemoveNestedField(o.Object, "metadata", f)
	}
	unstructured.RemoveNestedField(o.Object, "metadata", "annotations", "deployment.kubernetes.io/revision")
	unstructured.RemoveNestedField(o.Object, "metadata", "labels", "modifiedAt") // Helm's, a time
	delete(o.Object, "status")
	b, err := json.MarshalIndent(o.Object, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Same waits until garbage is collected, and then wants the cluster as it was before.
func Same(t testing.TB, c *apply.Clients, before map[string]string) {
	t.Helper()
	var diff string
	for range 40 {
		if diff = cmp.Diff(before, Dump(t, c)); diff == "" {
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
	t.Errorf("the cluster is not as it was (-before +after):\n%s", diff)
}

// CRDs is the resource of CustomResourceDefinitions.
var CRDs = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
