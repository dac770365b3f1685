package gate_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/gate"
)

func item(address string, action change.Action, reads ...string) change.SummaryItem {
	return change.SummaryItem{Address: address, Action: action, Reads: reads}
}

func summary(kind change.Kind, items ...change.SummaryItem) change.Summary {
	return change.Summary{Part: "infra", Kind: kind, Tool: "terraform 1.11.4", Items: items}
}

func TestComparePlans(t *testing.T) {
	plan := func(items ...change.SummaryItem) change.Summary { return summary(change.Terraform, items...) }
	given := func(s change.Summary, variables map[string]change.Digest) change.Summary {
		s.Variables = variables
		return s
	}
	small, large := map[string]change.Digest{"size": "sha256:1"}, map[string]change.Digest{"size": "sha256:2"}
	other := plan()
	other.Tool = "terraform 1.12.0"
	provider := func(version string) change.Summary {
		s := plan()
		s.Providers = map[string]string{"registry.terraform.io/hashicorp/aws": version}
		return s
	}
	module := func(digest change.Digest) change.Summary {
		s := plan()
		s.Modules = map[string]change.Digest{"vpc": digest}
		return s
	}
	for what, test := range map[string]struct {
		tested, now          change.Summary
		differences, remarks []string
	}{
		"the same":          {tested: plan(item("a.b", change.Create)), now: plan(item("a.b", change.Create))},
		"another action":    {tested: plan(item("a.b", change.Update)), now: plan(item("a.b", change.Replace)), differences: []string{"infra: a.b: update where it was tested, replace here"}},
		"only here":         {tested: plan(), now: plan(item("a.b", change.Create)), differences: []string{"infra: a.b: absent where it was tested, create here"}},
		"only there":        {tested: plan(item("a.b", change.Create)), now: plan(), differences: []string{"infra: a.b: create where it was tested, absent here"}},
		"deleted here":      {tested: plan(), now: plan(item("a.b", change.Delete)), differences: []string{"infra: a.b: absent where it was tested, delete here"}},
		"update and create": {tested: plan(item("a.b", change.Update)), now: plan(item("a.b", change.Create)), differences: []string{"infra: a.b: update where it was tested, create here"}},
		"unchanged there":   {tested: plan(item("a.b", change.Keep)), now: plan(item("a.b", change.Replace)), differences: []string{"infra: a.b: unchanged where it was tested, replace here"}},
		"staged before":     {tested: plan(item("a.b", change.Keep)), now: plan(item("a.b", change.Create)), remarks: []string{"infra: a.b: unchanged where it was tested, create here"}},
		"nothing to delete": {tested: plan(item("a.b", change.Delete)), now: plan(), remarks: []string{"infra: a.b: delete where it was tested, absent here"}},
		"explained": {
			tested: given(plan(), small), now: given(plan(item("a.b[1]", change.Create, "size")), large),
			remarks: []string{"infra: a.b[1]: absent where it was tested, create here, as variable size has it"},
		},
		"not explained by an equal variable": {
			tested: given(plan(), small), now: given(plan(item("a.b[1]", change.Create, "size")), small),
			differences: []string{"infra: a.b[1]: absent where it was tested, create here"},
		},
		"not explained by another variable": {
			tested: given(plan(), small), now: given(plan(item("a.b[1]", change.Create, "zone")), large),
			differences: []string{"infra: a.b[1]: absent where it was tested, create here"},
		},
		"an action is never explained": {
			tested: given(plan(item("a.b", change.Update, "size")), small), now: given(plan(item("a.b", change.Replace, "size")), large),
			differences: []string{"infra: a.b: update where it was tested, replace here"},
		},
		"another Terraform": {tested: plan(), now: other, differences: []string{"infra: planned by terraform 1.11.4 where it was tested, by terraform 1.12.0 here"}},
		"another provider": {
			tested: provider("5.1.0"), now: provider("5.2.0"),
			differences: []string{"infra: provider registry.terraform.io/hashicorp/aws: 5.1.0 where it was tested, 5.2.0 here"},
		},
		"another module": {
			tested: module("sha256:1111111111112"), now: module(""),
			differences: []string{"infra: module vpc: content 111111111111 where it was tested, absent here"},
		},
		"manifests: an object more": {
			tested: summary(change.Manifest), now: summary(change.Manifest, item("ConfigMap a/b", change.Create)),
			remarks: []string{"infra: ConfigMap a/b: absent where it was tested, create here"},
		},
		"manifests: another action": {tested: summary(change.Manifest, item("ConfigMap a/b", change.Update)), now: summary(change.Manifest, item("ConfigMap a/b", change.Create))},
	} {
		t.Run(what, func(t *testing.T) {
			differences, remarks := gate.ComparePlans([]change.Summary{test.tested}, []change.Summary{test.now})
			if d := cmp.Diff(test.differences, differences); d != "" {
				t.Errorf("differences (-want +got):\n%s", d)
			}
			if d := cmp.Diff(test.remarks, remarks); d != "" {
				t.Errorf("remarks (-want +got):\n%s", d)
			}
		})
	}
	if differences, _ := gate.ComparePlans(nil, []change.Summary{plan()}); len(differences) != 1 {
		t.Errorf("differences are %q, want one: a part that was never tested", differences)
	}
}

func TestPlanDifferencesBlock(t *testing.T) {
	d := gate.Decide(gate.Policy{}, gate.Findings{PlanDifferences: []string{"differs"}, PlanRemarks: []string{"remark"}})
	want := gate.Decision{Verdict: gate.Blocked, Findings: []gate.Finding{
		{Verdict: gate.Blocked, Rule: gate.RulePlan, Message: "differs"}, {Verdict: gate.Pass, Rule: gate.RulePlan, Message: "remark"},
	}}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("decision (-want +got):\n%s", diff)
	}
}
