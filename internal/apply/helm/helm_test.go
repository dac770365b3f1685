package helm_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/apply/applytest"
	"github.com/stagegate/stagegate/internal/apply/helm"
	"github.com/stagegate/stagegate/internal/change"
	charts "github.com/stagegate/stagegate/internal/change/helm"
	"github.com/stagegate/stagegate/internal/filetest"
)

func load(t *testing.T, set ...string) change.Part {
	t.Helper()
	part, err := charts.Loader{}.Load(t.Context(), change.Source{Path: "testdata/shop", Release: "shop", Namespace: "helm-shop", Set: set})
	if err != nil {
		t.Fatal(err)
	}
	return part
}

var target = change.Target{ClusterName: "staging"}

func plan(t *testing.T, b apply.Backend, part change.Part) map[string]change.Item {
	t.Helper()
	set, err := b.Plan(t.Context(), part, target, apply.NewPending())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]change.Item{}
	for _, i := range set.Items {
		t.Log(i)
		out[string(i.Action)+" "+i.Object.String()] = i
	}
	return out
}

func applied(t *testing.T, b apply.Backend, part change.Part) *applytest.Record {
	t.Helper()
	record := applytest.NewRecord(t, part)
	if err := b.Apply(t.Context(), part, target, record.Record, applytest.Log(t)); err != nil {
		t.Fatal(err)
	}
	return record
}

func TestInstallUpgradeAndRevert(t *testing.T) {
	c := applytest.Clients(t)
	b := helm.New(c, apply.Options{ReadyTimeout: time.Minute})
	before := applytest.Dump(t, c)
	part := load(t)
	if got := plan(t, b, part); len(got) != 7 {
		t.Errorf("plan has %d items, want 7", len(got))
	}
	applytest.Same(t, c, before)

	installed := applied(t, b, part)
	middle := applytest.Dump(t, c)
	upgrade(t, b)
	applytest.Same(t, c, middle)

	applytest.Revert(t, b, installed)
	applytest.Same(t, c, before)
}

// An object that does not go is left, and named; a release that is gone is not.
func TestObjectThatDoesNotGo(t *testing.T) {
	c := applytest.Clients(t)
	b := helm.New(c, apply.Options{DeleteTimeout: time.Second})
	before := applytest.Dump(t, c)
	chart := filetest.Directory(t, map[string]string{
		"Chart.yaml":         "{apiVersion: v2, name: held, version: 1.0.0}\n",
		"templates/one.yaml": "{apiVersion: v1, kind: ConfigMap, metadata: {name: held}}\n",
	})
	part, err := charts.Loader{}.Load(t.Context(), change.Source{Path: chart, Release: "held", Namespace: "kube-public"})
	if err != nil {
		t.Fatal(err)
	}
	record := applied(t, b, part)
	finalizers := func(list string) {
		t.Helper()
		patch := []byte(`{"metadata":{"finalizers":` + list + `}}`)
		if _, err := c.Typed.CoreV1().ConfigMaps("kube-public").Patch(t.Context(), "held", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	finalizers(`["example.com/held"]`)
	outcome, err := b.Revert(t.Context(), record.Reload(t), applytest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(outcome.Left) != 1 || outcome.Left[0].Object.String() != "ConfigMap kube-public/held" {
		t.Errorf("left: %+v, want the ConfigMap", outcome.Left)
	}
	finalizers(`[]`)
	applytest.Revert(t, b, record)
	applytest.Same(t, c, before)
}

// upgrade upgrades the release and takes that back.
func upgrade(t *testing.T, b apply.Backend) {
	t.Helper()
	part := load(t, "colour=green", "extra=false")
	got := plan(t, b, part)
	for _, want := range []string{"update Deployment.apps helm-shop/shop", "update Gadget.example.com helm-shop/shop", "delete ConfigMap helm-shop/shop-extra"} {
		if _, ok := got[want]; !ok {
			t.Errorf("plan has no %s", want)
		}
	}
	applytest.Revert(t, b, applied(t, b, part))
}
