package report

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/snapshot"
)

func TestAlike(t *testing.T) {
	item := func(action change.Action, kind, name string, risks ...change.Risk) change.Item {
		return change.Item{Action: action, Object: snapshot.Key{Kind: kind, Namespace: "n", Name: name}, Risks: risks}
	}
	var items []change.Item
	for i := range 4 {
		items = append(items,
			item(change.Create, "ConfigMap", fmt.Sprint("c", i)),
			item(change.Delete, "Secret", fmt.Sprint("s", i), change.RiskDeletion))
	}
	for i := range 3 {
		items = append(items, item(change.Create, "Service", fmt.Sprint("v", i)))
	}
	items = append(items, item(change.Update, "ConfigMap", "u"), item(change.Create, "ConfigMap", "k", change.RiskSystem))
	groups := alike(items)
	var got []string
	for _, g := range groups {
		got = append(got, groupName(g))
	}
	want := []string{
		"4 × ConfigMap: n/c0, n/c1, n/c2, … (-v shows all)",
		"Secret n/s0", "Secret n/s1", "Secret n/s2", "Secret n/s3",
		"Service n/v0", "Service n/v1", "Service n/v2", "ConfigMap n/u", "ConfigMap n/k",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	if objectsIn(groups) != len(items) {
		t.Errorf("%d objects in the groups, want %d", objectsIn(groups), len(items))
	}
}
