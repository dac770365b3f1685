package helm_test

import (
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/apply/applytest"
	"github.com/stagegate/stagegate/internal/apply/helm"
	"github.com/stagegate/stagegate/internal/change"
	charts "github.com/stagegate/stagegate/internal/change/helm"
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
