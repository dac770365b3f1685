package terraform

import (
	"cmp"
	"slices"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/snapshot"
	"github.com/stagegate/stagegate/internal/terraform"
)

// describer turns a plan into typed items.
type describer struct {
	part   string
	redact func(string) string
}

// items are what happens to managed resources, in order of their addresses.
func (d describer) items(plan *tfjson.Plan) []change.Item {
	var items []change.Item
	for _, r := range managed(plan) {
		items = append(items, d.item(r))
	}
	return items
}

// managed are the changes of managed resources, in order of their addresses.
func managed(plan *tfjson.Plan) []*tfjson.ResourceChange {
	var all []*tfjson.ResourceChange
	for _, r := range plan.ResourceChanges {
		if r.Mode == tfjson.ManagedResourceMode && r.Change != nil {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b *tfjson.ResourceChange) int {
		return cmp.Or(cmp.Compare(a.Address, b.Address), cmp.Compare(a.DeposedKey, b.DeposedKey))
	})
	return all
}

func (d describer) item(r *tfjson.ResourceChange) change.Item {
	item := change.Item{Part: d.part, Action: actionOf(r.Change.Actions), Address: address(r), Note: remark(r)}
	if o := objectOf(r); o != nil {
		item.Object = snapshot.KeyOf(o)
		if item.Action != change.Keep {
			item.Risks = apply.Risks(o)
		}
	} else if item.Action != change.Keep {
		item.Risks = typeRisks(r)
	}
	if item.Action == change.Replace || item.Action == change.Delete || r.Change.Actions.Forget() {
		item.Risks = append(item.Risks, change.RiskDeletion)
	}
	if item.Action == change.Update || item.Action == change.Replace {
		item.Fields = d.fields(r)
	}
	return item
}

// address is that of the resource, with the key of a leftover of an earlier replacement.
func address(r *tfjson.ResourceChange) string {
	if r.DeposedKey != "" {
		return r.Address + " (deposed " + r.DeposedKey + ")"
	}
	return r.Address
}

func actionOf(a tfjson.Actions) change.Action {
	switch {
	case a.Create():
		return change.Create
	case a.Update():
		return change.Update
	case a.Delete():
		return change.Delete
	case a.Replace():
		return change.Replace
	case a.NoOp():
		return change.Keep
	}
	return change.Update // forget: the resource stays, and is managed no more
}

// remark is what the action does not tell.
func remark(r *tfjson.ResourceChange) string {
	switch {
	case r.Change.Actions.Forget():
		return "forgotten: it stays as it is, and Terraform manages it no more"
	case r.Change.Importing != nil:
		return "imported"
	case r.PreviousAddress != "" && r.PreviousAddress != r.Address:
		return "moved from " + r.PreviousAddress
	}
	return ""
}

// announce tells the parts after this one of the objects that it will create.
func announce(plan *terraform.Plan, pending *apply.Pending) {
	if plan == nil {
		return
	}
	for _, r := range managed(plan.Plan) {
		if o := objectOf(r); o != nil && r.Change.Actions.Create() {
			pending.Add(o)
		}
	}
}
