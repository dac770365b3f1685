//go:build e2e

package probes_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"

	"github.com/stagegate/stagegate/internal/cluster/kind"
	"github.com/stagegate/stagegate/internal/cluster/kind/kindtest"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/e2e/e2etest"
	"github.com/stagegate/stagegate/internal/probe/image"
	"github.com/stagegate/stagegate/internal/reach/topology"
	"github.com/stagegate/stagegate/internal/snapshot"
	"github.com/stagegate/stagegate/internal/yamldoc"
)

const clusterWait = 5 * time.Minute

// world is a kind cluster for one test, with the probe's image in its nodes.
type world struct {
	t       *testing.T
	rest    *rest.Config
	clients kubernetes.Interface
	dynamic dynamic.Interface
	image   string
	// kubeconfig is the path of the cluster's own kubeconfig.
	kubeconfig string
}

// newWorld makes a cluster with a node for each role.
func newWorld(t *testing.T, name string, roles ...v1alpha4.NodeRole) *world {
	t.Helper()
	provider := kind.New(config.KindProvider{Config: kindtest.Config(t, roles...)}, t.TempDir())
	t.Cleanup(func() {
		if err := provider.Destroy(context.Background(), name, t.Logf); err != nil {
			t.Error(err)
		}
	})
	began := time.Now()
	c, err := provider.Ensure(t.Context(), name, false, quiet)
	if err != nil {
		t.Fatalf("this test needs a container engine for kind: %v", err)
	}
	t.Logf("cluster up in %s", time.Since(began).Round(time.Second))
	probeImage, err := image.Build(e2etest.BuildProbe(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := provider.LoadArchive(t.Context(), name, probeImage.Reference, probeImage.Archive, t.Logf); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, rest: rest.CopyConfig(c.REST), image: probeImage.Reference, kubeconfig: c.Kubeconfig}
	w.rest.QPS, w.rest.Burst = 100, 200
	w.clients = kubernetes.NewForConfigOrDie(w.rest)
	w.dynamic = dynamic.NewForConfigOrDie(w.rest)
	return w
}

// in is the same world for a subtest.
func (w *world) in(t *testing.T) *world {
	sub := *w
	sub.t = t
	return &sub
}

// node is the address of the first node.
func (w *world) node() string {
	w.t.Helper()
	nodes, err := w.clients.CoreV1().Nodes().List(w.t.Context(), metav1.ListOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, a := range nodes.Items[0].Status.Addresses {
		if a.Type == "InternalIP" {
			return a.Address
		}
	}
	w.t.Fatal("the node has no address")
	return ""
}

func quiet(string, ...any) {}

// apply puts the objects of a file into the cluster, in its order.
func (w *world) apply(file string) {
	w.t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		w.t.Fatal(err)
	}
	w.applyText(file, string(content))
}

func (w *world) applyText(name, text string) {
	w.t.Helper()
	objects, err := yamldoc.Decode(name, []byte(text))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, o := range objects {
		w.eventually("applying "+snapshot.KeyOf(o.Unstructured).String(), func() error {
			at, err := w.resource(o.Unstructured)
			if err != nil {
				return err // its CRD may not be served yet
			}
			_, err = at.Apply(w.t.Context(), o.GetName(), o.Unstructured, metav1.ApplyOptions{FieldManager: "e2e", Force: true})
			return err
		})
	}
}

func (w *world) remove(name, text string) {
	w.t.Helper()
	objects, err := yamldoc.Decode(name, []byte(text))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, o := range slices.Backward(objects) {
		at, err := w.resource(o.Unstructured)
		if err != nil {
			w.t.Fatal(err)
		}
		if err := at.Delete(w.t.Context(), o.GetName(), metav1.DeleteOptions{}); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) resource(o *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(w.clients.Discovery()))
	gvk := o.GroupVersionKind()
	mapping, err := mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return nil, err
	}
	return w.dynamic.Resource(mapping.Resource).Namespace(o.GetNamespace()), nil
}

// eventually tries until it works, or fails the test.
func (w *world) eventually(what string, try func() error) {
	w.t.Helper()
	limit := time.Now().Add(clusterWait)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(limit) || w.t.Context().Err() != nil {
			w.t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(250 * time.Millisecond)
	}
}

// ready waits until all pods of a namespace that are there are ready, at least n.
func (w *world) ready(namespace string, n int) {
	w.t.Helper()
	w.eventually("waiting for the pods of "+namespace, func() error {
		pods, err := w.clients.CoreV1().Pods(namespace).List(w.t.Context(), metav1.ListOptions{})
		if err != nil {
			return err
		}
		count := 0
		for _, pod := range pods.Items {
			for _, c := range pod.Status.Conditions {
				if c.Type == "Ready" && c.Status == "True" {
					count++
				}
			}
		}
		if count < n || count != len(pods.Items) {
			return fmt.Errorf("%d of %d pods are ready; want %d", count, len(pods.Items), n)
		}
		return nil
	})
}

// topology reads what reachability is evaluated on.
func (w *world) topology() *topology.Cluster {
	w.t.Helper()
	s, err := snapshot.New(w.objects()...)
	if err != nil {
		w.t.Fatal(err)
	}
	return topology.Build(s)
}

func (w *world) objects() []snapshot.Object {
	w.t.Helper()
	var out []snapshot.Object
	for _, kind := range []schema.GroupVersionResource{
		{Version: "v1", Resource: "namespaces"},
		{Version: "v1", Resource: "nodes"},
		{Version: "v1", Resource: "pods"},
		{Version: "v1", Resource: "services"},
		{Group: "apps", Version: "v1", Resource: "deployments"},
		{Group: "apps", Version: "v1", Resource: "replicasets"},
		{Group: "apps", Version: "v1", Resource: "daemonsets"},
		{Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices"},
		{Group: "networking.k8s.io", Version: "v1", Resource: "ingresses"},
		{Group: "networking.k8s.io", Version: "v1", Resource: "ingressclasses"},
		{Group: "networking.k8s.io", Version: "v1", Resource: "networkpolicies"},
	} {
		list, err := w.dynamic.Resource(kind).List(w.t.Context(), metav1.ListOptions{})
		if err != nil {
			w.t.Fatal(err)
		}
		for i := range list.Items {
			out = append(out, snapshot.Object{Unstructured: &list.Items[i]})
		}
	}
	return out
}
