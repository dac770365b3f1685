package terraform

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	tfjson "github.com/hashicorp/terraform-json"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/report"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// resource reads a resource change from JSON, as Terraform writes it.
func resource(t *testing.T, address, kind, actions, rest string) *tfjson.ResourceChange {
	t.Helper()
	if rest == "" {
		rest = `"before": {}, "after": {}`
	}
	r := &tfjson.ResourceChange{}
	text := `{"address": "` + address + `", "mode": "managed", "type": "` + kind + `", "change": {"actions": ` + actions + `, ` + rest + `}}`
	if err := json.Unmarshal([]byte(text), r); err != nil {
		t.Fatal(err)
	}
	return r
}

func same(s string) string { return s }

func TestFields(t *testing.T) {
	for what, test := range map[string]struct {
		change string
		want   []change.Field
	}{
		"leaves": {
			`"before": {"a": "x", "b": {"c": [1, 2]}, "d": true}, "after": {"a": "y", "b": {"c": [1, 3, 4]}, "d": true}`,
			[]change.Field{{Path: "a", Before: "x", After: "y"}, {Path: "b.c[1]", Before: "2", After: "3"}, {Path: "b.c[2]", After: "4"}},
		},
		"unknown": {
			`"before": {"id": "1", "n": {"x": 1}}, "after": {"n": {}}, "after_unknown": {"id": true, "n": {"x": true}}`,
			[]change.Field{{Path: "id", Before: "1", After: "(known after apply)"}, {Path: "n.x", Before: "1", After: "(known after apply)"}},
		},
		"sensitive": {
			`"before": {"p": "old", "q": "same"}, "after": {"p": "new", "q": "same"}, "before_sensitive": {"p": true, "q": true}, "after_sensitive": {"p": true, "q": true}`,
			[]change.Field{{Path: "p", Before: "(sensitive)", After: "(sensitive) (changed)"}},
		},
		"sensitive tree": {
			`"before": {"p": {"a": "1"}}, "after": {"p": {"a": "2", "b": "3"}}, "before_sensitive": {}, "after_sensitive": {"p": true}`,
			[]change.Field{{Path: "p", Before: "(sensitive)", After: "(sensitive) (changed)"}},
		},
		"sensitive and unknown": {
			`"before": {"p": "1"}, "after": {}, "before_sensitive": {"p": true}, "after_sensitive": {}, "after_unknown": {"p": true}`,
			[]change.Field{{Path: "p", Before: "(sensitive)", After: "(known after apply)"}},
		},
		"sensitive element": {
			`"before": {"l": ["a", "b"]}, "after": {"l": ["a", "c"]}, "before_sensitive": {"l": [false, true]}, "after_sensitive": {"l": [false, true]}`,
			[]change.Field{{Path: "l[1]", Before: "(sensitive)", After: "(sensitive) (changed)"}},
		},
		"no longer sensitive": {
			`"before": {"p": "1"}, "after": {"p": "2"}, "before_sensitive": {"p": true}, "after_sensitive": {}`,
			[]change.Field{{Path: "p", Before: "(sensitive)", After: "(sensitive) (changed)"}},
		},
		"gone": {`"before": {"a": {"b": 1}}, "after": {"a": null}`, []change.Field{{Path: "a.b", Before: "1"}}},
		"control characters": {
			`"before": {"a": "x"}, "after": {"a": "\u001b[2Jy\nz"}`,
			[]change.Field{{Path: "a", Before: "x", After: `\x1b[2Jy z`}},
		},
	} {
		r := resource(t, "x.y", "x", `["update"]`, test.change)
		if d := cmp.Diff(test.want, describer{redact: same}.fields(r)); d != "" {
			t.Errorf("%s: fields (-want +got):\n%s", what, d)
		}
	}
}

// What would be masked in a manifest is masked in a resource that holds one, whether or not
// its provider marks it.
func TestFieldsOfObjects(t *testing.T) {
	const was, is = "0ld-value", "n3w-value"
	object := func(v string) string {
		return `{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "labels": {"a": "` + v + `"}}, "stringData": {"password": "` + v + `"}}`
	}
	text := func(v string) string {
		return `"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {password: ` + v + `}\ntype: ` + v + `\n"`
	}
	deployment := func(v string) string {
		return `"kind: Deployment\nmetadata: {name: d}\nspec: {containers: [{args: [--token=` + v + `], env: [{name: DB_PASSWORD, value: ` + v + `}, {name: SIZE, value: ` + v + `}]}]}\n"`
	}
	changed := func(path string) change.Field {
		return change.Field{Path: path, Before: "(sensitive)", After: "(sensitive) (changed)"}
	}
	open := func(path string) change.Field { return change.Field{Path: path, Before: was, After: is} }
	for what, test := range map[string]struct {
		kind, attribute string
		of              func(string) string
		want            []change.Field
	}{
		"tree":    {"kubernetes_manifest", "manifest", object, []change.Field{open("manifest.metadata.labels.a"), changed("manifest.stringData.password")}},
		"text":    {"kubectl_manifest", "yaml_body", text, []change.Field{changed("yaml_body.data.password"), open("yaml_body.type")}},
		"no text": {"kubectl_manifest", "yaml_body", func(v string) string { return `"{password: ` + v + `"` }, []change.Field{changed("yaml_body")}},
		"environment": {"kubectl_manifest", "yaml_body_parsed", deployment, []change.Field{
			{Path: "yaml_body_parsed.spec.containers[0].args[0]", Before: "--token=(masked)", After: "--token=(masked) (changed)"},
			changed("yaml_body_parsed.spec.containers[0].env[0].value"), open("yaml_body_parsed.spec.containers[0].env[1].value"),
		}},
		"no object": {"kubernetes_config_map", "data", func(v string) string { return `{"size": "` + v + `"}` }, []change.Field{open("data.size")}},
	} {
		body := func(v string) string { return `{"` + test.attribute + `": ` + test.of(v) + `}` }
		r := resource(t, "x.y", test.kind, `["update"]`, `"before": `+body(was)+`, "after": `+body(is))
		if d := cmp.Diff(test.want, describer{redact: same}.fields(r)); d != "" {
			t.Errorf("%s: fields (-want +got):\n%s", what, d)
		}
	}
}

func TestItems(t *testing.T) {
	policy := `"before": null, "after": {"yaml_body": "apiVersion: crd.projectcalico.org/v1\nkind: GlobalNetworkPolicy\nmetadata: {name: default-deny}\n"}`
	deposed := resource(t, "a.old", "a", `["delete"]`, "")
	deposed.DeposedKey = "1234"
	moved := resource(t, "a.moved", "a", `["no-op"]`, "")
	moved.PreviousAddress = "a.before"
	data := resource(t, "data.a.b", "a", `["read"]`, "")
	data.Mode = tfjson.DataResourceMode
	plan := &tfjson.Plan{ResourceChanges: []*tfjson.ResourceChange{
		resource(t, "kubectl_manifest.deny", "kubectl_manifest", `["create"]`, policy),
		resource(t, "kubernetes_manifest.role", "kubernetes_manifest", `["delete"]`, `"before": {"manifest": {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}}}, "after": null`),
		resource(t, "helm_release.calico", "helm_release", `["create"]`, `"before": null, "after": {"chart": "calico", "namespace": "kube-system"}`),
		resource(t, "a.replaced", "a", `["delete", "create"]`, `"before": {"x": 1}, "after": {"x": 2}`),
		resource(t, "a.forgotten", "a", `["forget"]`, ""),
		deposed, moved, data,
	}}
	want := []change.Item{
		{Action: change.Update, Address: "a.forgotten", Note: "forgotten: it stays as it is, and Terraform manages it no more", Risks: []change.Risk{change.RiskDeletion}},
		{Action: change.Keep, Address: "a.moved", Note: "moved from a.before"},
		{Action: change.Delete, Address: "a.old (deposed 1234)", Risks: []change.Risk{change.RiskDeletion}},
		{Action: change.Replace, Address: "a.replaced", Risks: []change.Risk{change.RiskDeletion}, Fields: []change.Field{{Path: "x", Before: "1", After: "2"}}},
		{Action: change.Create, Address: "helm_release.calico", Risks: []change.Risk{change.RiskCNI, change.RiskSystem}},
		{Action: change.Create, Address: "kubectl_manifest.deny", Object: snapshot.Key{Group: "crd.projectcalico.org", Kind: "GlobalNetworkPolicy", Name: "default-deny"}, Risks: []change.Risk{change.RiskPolicy}},
		{Action: change.Delete, Address: "kubernetes_manifest.role", Object: snapshot.Key{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "r"}, Risks: []change.Risk{change.RiskRBAC, change.RiskDeletion}},
	}
	if d := cmp.Diff(want, describer{redact: same}.items(plan)); d != "" {
		t.Errorf("items (-want +got):\n%s", d)
	}
}

func TestProtect(t *testing.T) {
	plan := &tfjson.Plan{ResourceChanges: []*tfjson.ResourceChange{
		resource(t, "aws_eks_cluster.main", "aws_eks_cluster", `["delete", "create"]`, ""),
		resource(t, "aws_eks_node_group.n", "aws_eks_node_group", `["delete"]`, ""),
		resource(t, "azurerm_kubernetes_cluster.c", "azurerm_kubernetes_cluster", `["update"]`, ""),
		resource(t, "aws_instance.i", "aws_instance", `["delete"]`, ""),
	}}
	want := []string{
		"aws_eks_cluster.main would be replaced, and with this cluster or group of nodes everything that runs there: if that is meant, name it: --allow-delete 'aws_eks_cluster.main'",
		"aws_eks_node_group.n would be deleted, and with this cluster or group of nodes everything that runs there: if that is meant, name it: --allow-delete 'aws_eks_node_group.n'",
	}
	if d := cmp.Diff(want, protect(plan, nil)); d != "" {
		t.Errorf("failures (-want +got):\n%s", d)
	}
	if d := cmp.Diff(want[1:], protect(plan, []string{"aws_eks_cluster.main"})); d != "" {
		t.Errorf("failures with one allowed (-want +got):\n%s", d)
	}
}

func TestRevertRefusesToDestroy(t *testing.T) {
	namespace := `"before": {"manifest": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}}, "after": null`
	plan := &tfjson.Plan{ResourceChanges: []*tfjson.ResourceChange{
		resource(t, "aws_db_instance.orders", "aws_db_instance", `["delete", "create"]`, ""),
		resource(t, "aws_db_instance.ours", "aws_db_instance", `["delete"]`, ""),
		resource(t, "kubernetes_manifest.ns", "kubernetes_manifest", `["delete"]`, namespace),
		resource(t, "aws_s3_bucket.logs", "aws_s3_bucket", `["update"]`, ""),
		resource(t, "aws_instance.ours", "aws_instance", `["delete"]`, ""),
		resource(t, "aws_instance.foreign", "aws_instance", `["delete"]`, ""),
		resource(t, "aws_instance.drifted", "aws_instance", `["delete", "create"]`, ""),
		resource(t, "aws_instance.changed", "aws_instance", `["delete", "create"]`, ""),
		// The configuration that was in force before has it elsewhere, or not at all.
		resource(t, "aws_instance.moved", "aws_instance", `["delete"]`, ""),
		resource(t, "aws_instance.gone", "aws_instance", `["create"]`, ""),
	}}
	const end = ", so nothing of infra was taken back: "
	foreign := []report.Left{
		{Address: "aws_db_instance.orders", Why: "taking the change back would replace it, and it holds data" + end + byHand},
		{Address: "aws_instance.drifted", Why: "taking the change back would replace it, and this change did not touch it" + end + byHand},
		{Address: "aws_instance.foreign", Why: "taking the change back would delete it, and this change did not create it" + end + byHand},
		{Address: "aws_instance.moved", Why: "taking the change back would delete it, and this change did not create it" + end + byHand},
		{Address: "kubernetes_manifest.ns", Why: "taking the change back would delete it, and it holds data" + end + byHand},
	}
	since := report.Left{
		Address: "aws_db_instance.ours",
		Why:     "taking the change back would delete it, and it may hold data since" + end + "if it is to go, name it: stagegate rollback run-1 --allow-delete 'aws_db_instance.ours'",
	}
	for what, test := range map[string]struct {
		committed bool
		allowed   []string
		want      []report.Left
	}{
		"by the run itself":      {want: foreign},
		"of a run that passed":   {committed: true, want: slices.Insert(slices.Clone(foreign), 1, since)},
		"of what was named":      {committed: true, allowed: []string{"aws_db_instance.ours"}, want: foreign},
		"of what is not its own": {allowed: []string{"aws_instance.foreign", "aws_db_instance.orders"}, want: foreign},
	} {
		r := &reversion{Backend: New(Options{AllowDelete: test.allowed}), record: &apply.Record{RunID: "run-1", Part: "infra"}, Terraform: &apply.Terraform{
			Committed: test.committed,
			Created:   []string{"aws_db_instance.ours", "aws_instance.ours"},
			Changed:   []string{"aws_db_instance.orders", "aws_instance.changed", "aws_instance.moved", "aws_instance.gone"},
		}}
		if d := cmp.Diff(test.want, r.refuse(plan)); d != "" {
			t.Errorf("%s: left (-want +got):\n%s", what, d)
		}
	}
}

func TestReads(t *testing.T) {
	const config = `{"root_module": {
  "resources": [{"mode": "managed", "type": "a", "name": "b", "count_expression": {"references": ["var.size.min", "var.size", "local.x"]}}],
  "module_calls": {"m": {
    "for_each_expression": {"references": ["var.zones"]},
    "expressions": {"n": {"references": ["var.nodes[0]", "var.nodes"]}, "fixed": {"constant_value": 1}},
    "module": {"resources": [
      {"mode": "managed", "type": "a", "name": "b", "count_expression": {"references": ["var.n"]}},
      {"mode": "managed", "type": "a", "name": "c", "count_expression": {"references": ["var.fixed"]}}]}}}}}`
	c := &tfjson.Config{}
	if err := json.Unmarshal([]byte(config), c); err != nil {
		t.Fatal(err)
	}
	locals := func(sources ...string) map[string][]string {
		if len(sources) > 0 {
			return nil
		}
		return map[string][]string{"x": {"local.y", "var.cluster_name"}, "y": {"local.x", "var.more"}}
	}
	for _, test := range []struct {
		module, name string
		want         []string
	}{
		{"", "b", []string{"cluster_name", "more", "size"}},
		{`module.m["x.module.y\"]"]`, "b", []string{"nodes", "zones"}},
		{"module.m", "c", []string{"zones"}},
		{"module.unknown", "c", nil},
	} {
		r := &tfjson.ResourceChange{ModuleAddress: test.module, Mode: tfjson.ManagedResourceMode, Type: "a", Name: test.name}
		if d := cmp.Diff(test.want, reads(c, locals, r)); d != "" {
			t.Errorf("%s %s: reads (-want +got):\n%s", test.module, test.name, d)
		}
	}
}

func TestCallsOf(t *testing.T) {
	for address, want := range map[string][]string{
		"": nil, "module.a": {"a"}, "module.a.module.b": {"a", "b"}, "module.a[0].module.b": {"a", "b"},
		`module.a["x"].module.b`: {"a", "b"}, `module.a["module.x\"]."].module.b["y"]`: {"a", "b"},
	} {
		if d := cmp.Diff(want, callsOf(address)); d != "" {
			t.Errorf("%s: calls (-want +got):\n%s", address, d)
		}
	}
}
