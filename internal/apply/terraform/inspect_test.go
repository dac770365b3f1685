package terraform

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	tfjson "github.com/hashicorp/terraform-json"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/snapshot"
)

func manifest(name string) map[string]any {
	return map[string]any{"yaml_body": "{apiVersion: v1, kind: Namespace, metadata: {name: " + name + "}}"}
}

// TestForesee: what a plan says of each kind of resource becomes an object, a removal, or a
// word about why it is neither.
func TestForesee(t *testing.T) {
	resource := func(address, kind string, action tfjson.Action, before, after any) *tfjson.ResourceChange {
		return &tfjson.ResourceChange{
			Address: address, Type: kind, Mode: tfjson.ManagedResourceMode,
			Change: &tfjson.Change{Actions: tfjson.Actions{action}, Before: before, After: after},
		}
	}
	object := map[string]any{"manifest": map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "object"}}}
	found := &change.Inspection{}
	for _, r := range []*tfjson.ResourceChange{
		resource("kubectl_manifest.new", "kubectl_manifest", tfjson.ActionCreate, nil, manifest("new")),
		resource("kubectl_manifest.same", "kubectl_manifest", tfjson.ActionNoop, manifest("same"), manifest("same")),
		resource("kubectl_manifest.old", "kubectl_manifest", tfjson.ActionDelete, manifest("old"), nil),
		resource("kubectl_manifest.later", "kubectl_manifest", tfjson.ActionCreate, nil, map[string]any{}),
		resource("kubernetes_manifest.object", "kubernetes_manifest", tfjson.ActionUpdate, nil, object),
		resource("helm_release.chart", "helm_release", tfjson.ActionUpdate, nil, map[string]any{}),
		resource("helm_release.same", "helm_release", tfjson.ActionNoop, nil, map[string]any{}),
		resource("aws_vpc.main", "aws_vpc", tfjson.ActionCreate, nil, map[string]any{}),
		resource("terraform_data.x", "terraform_data", tfjson.ActionCreate, nil, map[string]any{}),
	} {
		foresee(found, r, describer{part: "infra", redact: func(s string) string { return s }}.item(r), "infra")
	}
	var objects, items []string
	for _, o := range found.Objects {
		objects = append(objects, o.Source+": "+snapshot.KeyOf(o.Unstructured).String())
	}
	for _, i := range found.Items {
		items = append(items, fmt.Sprintf("%s %s", i.Action, i.Address))
	}
	got := map[string][]string{
		"objects": objects, "items": items, "unclear": found.Unclear, "remarks": found.Remarks, "removed": {fmt.Sprint(found.Removed)},
	}
	want := map[string][]string{
		"objects": {
			"infra: kubectl_manifest.new: Namespace new", "infra: kubectl_manifest.same: Namespace same",
			"infra: kubernetes_manifest.object: Namespace object",
		},
		"removed": {"[Namespace old]"},
		"items": {
			"delete kubectl_manifest.old", "create kubectl_manifest.later", "update helm_release.chart",
			"create aws_vpc.main", "create terraform_data.x",
		},
		"unclear": {
			"infra: kubectl_manifest.later has an object that is not known before it is applied: stagegate stage finds out what it does",
			"infra: helm_release.chart puts something into the cluster that is not written as a manifest, so it cannot be modelled: stagegate stage finds out what it does",
		},
		"remarks": {"infra: aws_vpc.main: what it does to the network is not modelled"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
