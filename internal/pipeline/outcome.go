package pipeline

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/exitcode"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/report"
)

// exitCode is a pure function of the result. What a person must know first wins: a
// rollback that is incomplete, then a production that was changed and rolled back, then
// an interrupt, an error, and the verdict.
func exitCode(r *report.Result, interrupted bool, production func(name string) bool) int {
	rolledBack := false
	for _, e := range r.Environments {
		if e.Reverted == nil {
			continue
		}
		if !e.Reverted.Done() {
			return exitcode.Incomplete
		}
		rolledBack = rolledBack || production(e.Name)
	}
	switch {
	case rolledBack:
		return exitcode.RolledBack
	case interrupted:
		return exitcode.Interrupted
	case r.Error != "":
		return exitcode.Error
	case r.Verdict == gate.Pass:
		return exitcode.Pass
	case r.Verdict == gate.Blocked:
		return exitcode.Blocked
	}
	return exitcode.Inconclusive
}

// rollbackExitCode is that of a rollback on its own, whose aim is to be back.
func rollbackExitCode(r *report.Result, interrupted bool) int {
	switch {
	case len(r.Environments) > 0 && r.Environments[0].Reverted != nil && !r.Environments[0].Reverted.Restored:
		return exitcode.Incomplete
	case interrupted:
		return exitcode.Interrupted
	case r.Error != "":
		return exitcode.Error
	}
	return exitcode.Pass
}

// nextSteps says what the reader can do now.
func nextSteps(r *report.Result, production func(name string) bool) []string {
	switch r.ExitCode {
	case exitcode.Pass:
		if r.Command == "stage" {
			return []string{"stagegate promote takes the same change to production, on this evidence"}
		}
		return nil
	case exitcode.Blocked:
		return whenBlocked(r)
	case exitcode.Inconclusive:
		return []string{"nothing was proved: see the findings, and declare the edges that matter in a checks file"}
	case exitcode.RolledBack:
		return append([]string{"find out in what production differs from staging: the findings name the edges and why"},
			stillOnStaging(r, production)...)
	case exitcode.Incomplete:
		return leftBehind(r)
	case exitcode.Error, exitcode.Interrupted:
		return []string{fmt.Sprintf("mend what the error names, if it does; then stagegate resume %s goes on with this run", r.RunID)}
	}
	return nil
}

// whenBlocked tells of the way out where the environments are not in the same state.
func whenBlocked(r *report.Result) []string {
	for _, e := range r.Environments {
		for _, f := range e.Decision.Findings {
			if f.Rule == gate.RulePlan && f.Verdict == gate.Blocked {
				return []string{"bring the environment before " + e.Name + " to where " + e.Name + " is: promote what was staged there earlier, or take it back (stagegate history lists its runs, stagegate rollback takes one back); then run the same command again"}
			}
		}
	}
	return []string{"mend what the findings name, and run the same command again"}
}

func stillOnStaging(r *report.Result, production func(string) bool) []string {
	var steps []string
	for _, e := range r.Environments {
		if !production(e.Name) && e.Reverted == nil && !e.Untouched {
			steps = append(steps, fmt.Sprintf("%s still has the change: stagegate rollback %s --cluster-name %s takes it back",
				e.Name, r.RunID, e.ClusterName))
		}
	}
	return steps
}

func touchesCNI(plan change.Set) bool {
	return slices.ContainsFunc(plan.Items, func(i change.Item) bool { return slices.Contains(i.Risks, change.RiskCNI) })
}

func leftBehind(r *report.Result) []string {
	var steps []string
	for _, e := range r.Environments {
		if e.Reverted == nil || e.Reverted.Done() {
			continue
		}
		for _, l := range e.Reverted.Left {
			steps = append(steps, fmt.Sprintf("in %s, put right by hand: %s (%s)", e.Name, cmp.Or(l.Address, l.Object.String()), l.Why))
		}
		for _, m := range e.Reverted.Missing {
			steps = append(steps, fmt.Sprintf("in %s, still cut: %s: %s", e.Name, m.Edge, m.Reason))
		}
		if len(e.Reverted.Missing) > 0 && touchesCNI(e.Plan) {
			steps = append(steps, "the change had a network plugin, and what one leaves in the packet filters of nodes outlives it and cuts off new pods: "+
				"drain and restart (or replace) the nodes of "+e.Name)
		}
		steps = append(steps, fmt.Sprintf("then run: stagegate rollback %s --cluster-name %s", r.RunID, e.ClusterName))
	}
	return steps
}
