package scope_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/stagegate/stagegate/internal/change/scope"
	"github.com/stagegate/stagegate/internal/snapshot"
	"github.com/stagegate/stagegate/internal/yamldoc"
)

func objects(t *testing.T, content string) []snapshot.Object {
	t.Helper()
	o, err := yamldoc.Decode("a.yaml", []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func definition(kind, where string) string {
	return "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: " + kind +
		".shop.example}\nspec: {group: shop.example, scope: " + where + ", names: {kind: " + kind + "}}\n"
}

func TestKind(t *testing.T) {
	known, err := snapshot.New(objects(t, definition("Wide", "Cluster")+definition("Both", "Cluster"))...)
	if err != nil {
		t.Fatal(err)
	}
	scopes := scope.With(known, objects(t, definition("Order", "Namespaced")+definition("Both", "Namespaced")))
	for gk, want := range map[schema.GroupKind]scope.Scope{
		{Kind: "Pod"}:       scope.Namespaced,
		{Kind: "Namespace"}: scope.Cluster,
		{Group: "rbac.authorization.k8s.io", Kind: "Role"}:                scope.Namespaced,
		{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}:         scope.Cluster,
		{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}: scope.Cluster,
		{Group: "apiregistration.k8s.io", Kind: "APIService"}:             scope.Cluster,
		{Group: "crd.projectcalico.org", Kind: "GlobalNetworkPolicy"}:     scope.Cluster,
		{Group: "projectcalico.org", Kind: "NetworkPolicy"}:               scope.Namespaced,
		{Group: "gateway.networking.k8s.io", Kind: "GatewayClass"}:        scope.Cluster,
		{Group: "gateway.networking.k8s.io", Kind: "HTTPRoute"}:           scope.Namespaced,
		{Group: "shop.example", Kind: "Wide"}:                             scope.Cluster,
		{Group: "shop.example", Kind: "Order"}:                            scope.Namespaced,
		{Group: "shop.example", Kind: "Both"}:                             scope.Namespaced, // the change's own counts
		{Group: "shop.example", Kind: "None"}:                             scope.Unknown,
	} {
		for range 2 {
			if got := scopes.Kind(gk); got != want {
				t.Errorf("%s: scope %d, want %d", gk, got, want)
			}
		}
	}
}

func TestPlace(t *testing.T) {
	placed := objects(t, "{apiVersion: v1, kind: Pod, metadata: {name: a}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: b, namespace: own}}\n---\n"+
		"{apiVersion: v1, kind: Node, metadata: {name: c, namespace: spare}}\n---\n{apiVersion: shop.example/v1, kind: None, metadata: {name: d}}\n")
	scope.Of(placed).Place(placed, "shops")
	for i, want := range []string{"shops", "own", "", ""} {
		if got := placed[i].GetNamespace(); got != want {
			t.Errorf("%s: namespace %q, want %q", placed[i].GetName(), got, want)
		}
	}
}
