package apply

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/snapshot"
	"github.com/stagegate/stagegate/internal/yamldoc"
)

func TestPlanOffline(t *testing.T) {
	decode := func(content string) []snapshot.Object {
		t.Helper()
		objects, err := yamldoc.Decode("x.yaml", []byte(content))
		if err != nil {
			t.Fatal(err)
		}
		return objects
	}
	state, err := snapshot.New(decode(`
apiVersion: v1
kind: ConfigMap
metadata: {name: same, namespace: shop, uid: u1}
data: {a: "1", other: kept}
---
apiVersion: v1
kind: Secret
metadata: {name: changed, namespace: shop}
data: {password: b2xk}
`)...)
	if err != nil {
		t.Fatal(err)
	}
	got := PlanOffline(state, "p", decode(`
apiVersion: v1
kind: ConfigMap
metadata: {name: same, namespace: shop}
data: {a: "1"}
---
apiVersion: v1
kind: Secret
metadata: {name: changed, namespace: shop}
data: {password: bmV3}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: new, namespace: shop}
spec: {podSelector: {}}
`))
	key := func(group, kind, name string) snapshot.Key {
		return snapshot.Key{Group: group, Kind: kind, Namespace: "shop", Name: name}
	}
	want := change.Set{Items: []change.Item{
		{Part: "p", Action: change.Keep, Object: key("", "ConfigMap", "same")},
		{Part: "p", Action: change.Update, Object: key("", "Secret", "changed"), Fields: []change.Field{
			{Path: "data.password", Before: "(masked)", After: "(masked) (changed)"},
		}},
		{Part: "p", Action: change.Create, Object: key("networking.k8s.io", "NetworkPolicy", "new"), Risks: []change.Risk{change.RiskPolicy}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
