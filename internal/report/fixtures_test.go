package report_test

import (
	"fmt"
	"time"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/report"
	"github.com/stagegate/stagegate/internal/snapshot"
)

const denied = "GlobalNetworkPolicy default-deny: no rule allows ingress from namespace ingress"

// hostile is what a cluster could send to forge a report.
const hostile = "\x1b[2J\u202e<script>@admins | `x` [a](https://evil.example) #1\n## PASS\x00"

var began = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

func result(command string) report.Result {
	return report.Result{
		RunID: "20260314-092653-7f3a", Command: command, Started: began, Duration: 14200 * time.Millisecond,
		Change: report.Change{
			Name: "calico", Kind: change.Bundle,
			Digest: "sha256:3f2a9c0d11e24b5f8a6c7d8e9f00112233445566778899aabbccddeeff001122",
			Parts:  []string{"manifest crds.yaml", "manifest calico.yaml"},
		},
	}
}

// environment is one where n edges of a namespace each are probed.
func environment(name string, n int, outcome reach.Outcome, reason string) report.Environment {
	e := report.Environment{
		Name: name, ClusterName: name, Provider: "embedded", ClusterUID: "uid-" + name, Version: "v1.37.2",
		Grade: reach.Modelled,
		Steps: []report.Step{
			{Name: "plan", Outcome: report.Done, Duration: 310 * time.Millisecond},
			{Name: "baseline", Outcome: report.Done, Detail: fmt.Sprintf("%d edges", n), Duration: 95 * time.Millisecond},
			{Name: "apply", Outcome: report.Done, Duration: 3400 * time.Millisecond},
		},
		Plan: plan(),
	}
	e.Baseline.Grade, e.After.Grade = reach.Modelled, reach.Modelled
	for i := range n {
		edge := reach.Edge{From: "external", To: fmt.Sprintf("ingress/shop-%d/web", i), Host: "shop.example", Path: "/"}
		e.Expectations = append(e.Expectations, reach.Expectation{Edge: edge, Source: "Ingress"})
		e.Baseline.Edges = append(e.Baseline.Edges, reach.Result{Edge: edge, Outcome: reach.Reachable})
		e.After.Edges = append(e.After.Edges, reach.Result{Edge: edge, Outcome: outcome, Reason: reason})
	}
	e.Baseline.Sort()
	e.After.Sort()
	e.Difference = reach.Compare(e.Baseline, e.After)
	return e
}

func plan() change.Set {
	return change.Set{Items: []change.Item{
		{
			Part: "crds.yaml", Action: change.Create, Risks: []change.Risk{change.RiskCRD},
			Object: snapshot.Key{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition", Name: "globalnetworkpolicies.crd.projectcalico.org"},
		},
		{
			Part: "calico.yaml", Action: change.Create, Risks: []change.Risk{change.RiskPolicy},
			Object: snapshot.Key{Group: "crd.projectcalico.org", Kind: "GlobalNetworkPolicy", Name: "default-deny"},
		},
		{
			Part: "calico.yaml", Action: change.Update,
			Object: snapshot.Key{Kind: "ConfigMap", Namespace: "shop", Name: "settings"},
			Fields: []change.Field{{Path: "data.mode", Before: "open", After: "closed"}, {Path: "data.new", After: "1"}},
		},
		{Part: "calico.yaml", Action: change.Keep, Object: snapshot.Key{Kind: "Service", Namespace: "shop", Name: "web"}},
	}}
}

func untouched(name string) report.Environment {
	return report.Environment{
		Name: name, ClusterName: name, Untouched: true,
		Steps: []report.Step{{Name: "plan", Outcome: report.Skipped, Detail: "staging did not pass"}},
	}
}

func pass() report.Result {
	r := result("promote")
	r.Verdict = gate.Pass
	for _, name := range []string{"staging", "production"} {
		e := environment(name, 12, reach.Reachable, "")
		e.Decision.Verdict = gate.Pass
		e.Evidence = "sha256:0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
		r.Environments = append(r.Environments, e)
	}
	return r
}

// takenBack passed, and a person took it back later.
func takenBack() report.Result {
	r := pass()
	at := time.Date(2026, 3, 14, 11, 0, 0, 0, time.UTC)
	r.Environments[0].RolledBack = &report.Rollback{Time: at, Revert: report.Revert{Restored: true}}
	r.Environments[1].RolledBack = &report.Rollback{Time: at, Error: "the API server does not answer", Revert: report.Revert{
		Left: []report.Left{{Object: snapshot.Key{Kind: "Namespace", Name: "calico-system"}, Why: "finalizer kubernetes is stuck"}},
	}}
	return r
}

func blocked() report.Result {
	r := result("promote")
	r.Verdict, r.ExitCode = gate.Blocked, 3
	e := environment("staging", 40, reach.Unreachable, denied)
	for i := range e.After.Edges { // each reason names its pod, and all share the policy
		r := &e.After.Edges[i]
		r.Cause, r.Reason = denied, fmt.Sprintf("%s to pod ingress/traefik-%d on 8000/TCP from outside", denied, i)
	}
	e.After.Notes = []string{"GlobalNetworkPolicy audit has no effect: there is no tier audit (there are: default)"}
	e.Difference = reach.Compare(e.Baseline, e.After)
	e.Steps = append(e.Steps, report.Step{Name: "verify", Outcome: report.Failed, Detail: "40 edges lost", Duration: 4 * time.Second})
	block(&e)
	warning := gate.Finding{Verdict: gate.Pass, Rule: "new-edge", Message: "1 edge newly opened: external -> service/shop/admin:80/TCP"}
	e.Decision.Findings = append(e.Decision.Findings, warning)
	e.Interruptions = []gate.Interruption{{Edge: e.After.Edges[0].Edge, Duration: 2300 * time.Millisecond}}
	e.Reverted = &report.Revert{Restored: true}
	r.Environments = []report.Environment{e, untouched("production")}
	r.Next = []string{"allow the ingress controller: add a GlobalNetworkPolicy before default-deny", "run: stagegate check change.yaml"}
	return r
}

// block decides as the gate does: one finding for each lost edge.
func block(e *report.Environment) {
	e.Decision.Verdict = gate.Blocked
	for _, c := range e.Difference.Lost {
		e.Decision.Findings = append(e.Decision.Findings,
			gate.Finding{Verdict: gate.Blocked, Rule: gate.RuleLost, Edge: &c.Edge, Message: "reachable before the change, not now: " + c.Reason})
	}
}

func inconclusive() report.Result {
	r := result("check")
	r.ExitCode = 4
	e := environment("staging", 3, reach.Error, "reading NetworkPolicy shop/web: unknown operator "+hostile)
	e.Untouched = true
	edge := e.After.Edges[0].Edge
	e.Decision.Findings = []gate.Finding{{Rule: "unclear", Edge: &edge, Message: "no outcome: " + hostile}}
	r.Environments = []report.Environment{e}
	return r
}

func rolledBack() report.Result {
	r := pass()
	r.Verdict, r.ExitCode = gate.Blocked, 5
	e := environment("production", 4, reach.Unreachable, "NetworkPolicy shop-0/strict selects the pod, and none of its 2 ingress rules allows namespace ingress")
	block(&e)
	e.Reverted = &report.Revert{
		Restored: true,
		Kept:     []report.Left{{Object: snapshot.Key{Kind: "ConfigMap", Namespace: "shop", Name: "settings"}, Why: "data.mode was changed by kubectl-edit"}},
	}
	r.Environments[1] = e
	return r
}

func incomplete() report.Result {
	r := rolledBack()
	r.ExitCode = 6
	e := &r.Environments[1]
	e.Reverted = &report.Revert{
		Left: []report.Left{
			{Object: snapshot.Key{Kind: "Namespace", Name: "calico-system"}, Why: "finalizer kubernetes is stuck: APIService v3.projectcalico.org is not available"},
			{Address: "module.cni.kubectl_manifest.policy", Object: snapshot.Key{}, Why: "the state is locked by another run"},
		},
		Missing: e.Difference.Lost[:2],
	}
	r.Next = []string{"kubectl get apiservice v3.projectcalico.org", "run: stagegate rollback 20260314-092653-7f3a"}
	return r
}

func failed() report.Result {
	r := result("stage")
	r.ExitCode = 1
	r.Error = "reading environment staging: environments/staging.yaml:7: unknown field \"gates\": did you mean gate?\nreading checks: " + hostile
	return r
}

// large has many edges lost for a few reasons, as after a policy change in a large cluster.
func large(edges int) report.Result {
	r := blocked()
	r.Environments[0] = environment("staging", edges, reach.Unreachable, denied)
	e := &r.Environments[0]
	for i := range e.Difference.Lost {
		e.Difference.Lost[i].Reason = fmt.Sprintf("%s %d", denied, i%700)
	}
	block(e)
	return r
}
