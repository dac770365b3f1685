package apply

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// testPart is a part with the objects of some YAML.
type testPart struct {
	name string
	text string
}

func (p testPart) Kind() change.Kind     { return change.Manifest }
func (p testPart) Name() string          { return p.name }
func (p testPart) Digest() change.Digest { return "sha256:test" }

func (p testPart) Render(context.Context, change.Target) ([]snapshot.Object, error) {
	var out []snapshot.Object
	d := yaml.NewYAMLOrJSONDecoder(strings.NewReader(p.text), 4096)
	for {
		u := &unstructured.Unstructured{}
		if err := d.Decode(&u.Object); err != nil {
			return out, nil
		}
		if len(u.Object) > 0 {
			out = append(out, snapshot.Object{Unstructured: u, Source: p.name})
		}
	}
}

func testConfig(t testing.TB) *rest.Config {
	t.Helper()
	path := os.Getenv("TEST_KUBECONFIG")
	if path == "" {
		t.Skip("TEST_KUBECONFIG is not set")
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func testClients(t testing.TB) *Clients {
	t.Helper()
	c, err := NewClients(testConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// testRecord saves into memory, through JSON as a file would.
func testRecord(part change.Part, saved *[]byte) *Record {
	key := []byte("0123456789abcdef0123456789abcdef")
	return NewRecord("run-"+strings.ToLower(part.Name()), 0, part, key, func(r *Record) error {
		b, err := json.Marshal(r)
		*saved = b
		return err
	})
}

// reload is the record as another process would read it.
func reload(t testing.TB, saved []byte) *Record {
	t.Helper()
	r := &Record{}
	if err := json.Unmarshal(saved, r); err != nil {
		t.Fatal(err)
	}
	r.Resume([]byte("0123456789abcdef0123456789abcdef"), func(*Record) error { return nil })
	return r
}

// dump is every object in the cluster as text by name, less resource version, UID, status
// and times; what controllers keep writing is left out.
func dump(t testing.TB, c *Clients) map[string]string {
	t.Helper()
	c.Refresh()
	lists, err := c.Typed.Discovery().ServerPreferredResources()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, list := range lists {
		gv, _ := schema.ParseGroupVersion(list.GroupVersion)
		for _, res := range list.APIResources {
			if !slices.Contains(res.Verbs, "list") || slices.Contains([]string{"Event", "Lease", "ReplicaSet", "ControllerRevision", "Endpoints", "EndpointSlice", "Pod", "Node", "IPAddress"}, res.Kind) {
				continue
			}
			items, err := c.Dynamic.Resource(gv.WithResource(res.Name)).List(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatalf("listing %s: %v", res.Name, err)
			}
			for _, o := range items.Items {
				out[snapshot.KeyOf(&o).String()] = normal(&o)
			}
		}
	}
	return out
}

func normal(o *unstructured.Unstructured) string {
	managed := o.GetManagedFields()
	u := bare(o)
	unstructured.RemoveNestedField(u.Object, "metadata", "annotations", "deployment.kubernetes.io/revision")
	for i := range managed {
		managed[i].Time = nil
	}
	managed = slices.DeleteFunc(managed, func(m metav1.ManagedFieldsEntry) bool { return m.Subresource != "" })
	u.SetManagedFields(managed)
	b, _ := json.MarshalIndent(u.Object, "", " ")
	return string(b)
}

// sameDump waits for garbage collection, then compares.
func sameDump(t *testing.T, c *Clients, before map[string]string) {
	t.Helper()
	var diff string
	for range 40 {
		if diff = cmp.Diff(before, dump(t, c)); diff == "" {
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
	t.Errorf("the cluster is not as it was (-before +after):\n%s", diff)
}

func logged(t testing.TB) Progress {
	return func(e Event) { t.Logf("%s %s %s", e.Step, e.Object, e.Detail) }
}
