package terraform

import (
	"fmt"
	"slices"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/report"
	"github.com/stagegate/stagegate/internal/terraform"
)

// refuse lists what stands in the way of a plan that takes the part back.
func (r *reversion) refuse(plan *tfjson.Plan) []report.Left {
	var left []report.Left
	for _, resource := range managed(plan) {
		why, remedy := r.objection(resource)
		if why == "" {
			continue
		}
		left = append(left, report.Left{Address: address(resource), Why: fmt.Sprintf(
			"taking the change back would %s it, and %s, so nothing of %s was taken back: %s", actionOf(resource.Change.Actions), why, r.record.Part, remedy)})
	}
	return left
}

const byHand = "look at \"terraform plan\" with the configuration that was in force before, and apply it if that is meant"

// objection says why a revert must not do to a resource what its plan says, and what a
// person can do. Only what the part itself created may go; and of that, once the part was
// made final, what holds data may go only where it is named.
func (r *reversion) objection(resource *tfjson.ResourceChange) (why, remedy string) {
	action := actionOf(resource.Change.Actions)
	if action == change.Create && slices.Contains(r.Forgotten, resource.Address) {
		return "the change has only made Terraform forget it, so there would be two",
			fmt.Sprintf("import it again (%s), then run the rollback again", r.workspace.Instruction("import", "-var", terraform.ClusterName+"="+r.options.Environment.ClusterName, resource.Address, "ID"))
	}
	if action != change.Delete && action != change.Replace {
		return "", ""
	}
	switch created := slices.Contains(r.Created, resource.Address); {
	case created && r.Committed && isStateful(resource) && !slices.Contains(r.options.AllowDelete, resource.Address):
		return "it may hold data since", fmt.Sprintf("if it is to go, name it: stagegate rollback %s --allow-delete '%s'", r.record.RunID, resource.Address)
	case created:
		return "", ""
	case isStateful(resource):
		return "it holds data", byHand
	case action == change.Delete:
		return "this change did not create it", byHand
	case !slices.Contains(r.Changed, resource.Address):
		return "this change did not touch it", byHand
	}
	return "", ""
}
