package pipeline

import (
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/exitcode"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/report"
	"github.com/stagegate/stagegate/internal/snapshot"
)

func isProd(name string) bool { return name == "production" }

func TestExitCode(t *testing.T) {
	restored, dirty := &report.Revert{Restored: true}, &report.Revert{}
	env := func(name string, r *report.Revert) report.Environment {
		return report.Environment{Name: name, Reverted: r}
	}
	for name, c := range map[string]struct {
		result      report.Result
		interrupted bool
		want        int
	}{
		"nothing known":                 {report.Result{}, false, exitcode.Inconclusive},
		"pass":                          {report.Result{Verdict: gate.Pass}, false, exitcode.Pass},
		"blocked":                       {report.Result{Verdict: gate.Blocked}, false, exitcode.Blocked},
		"staging reverted":              {report.Result{Verdict: gate.Blocked, Environments: []report.Environment{env("staging", restored)}}, false, exitcode.Blocked},
		"staging renewed":               {report.Result{Verdict: gate.Blocked, Environments: []report.Environment{env("staging", &report.Revert{Recreated: true})}}, false, exitcode.Blocked},
		"staging renewed, a state left": {report.Result{Verdict: gate.Blocked, Environments: []report.Environment{env("staging", &report.Revert{Recreated: true, Left: []report.Left{{Address: "aws_vpc.main"}}})}}, false, exitcode.Incomplete},
		"staging dirty":                 {report.Result{Verdict: gate.Blocked, Environments: []report.Environment{env("staging", dirty)}}, false, exitcode.Incomplete},
		"production rolled back":        {report.Result{Verdict: gate.Blocked, Environments: []report.Environment{env("staging", nil), env("production", restored)}}, false, exitcode.RolledBack},
		"production dirty":              {report.Result{Verdict: gate.Blocked, Environments: []report.Environment{env("production", dirty)}}, false, exitcode.Incomplete},
		"interrupted":                   {report.Result{Error: "context canceled"}, true, exitcode.Interrupted},
		"interrupted in production":     {report.Result{Error: "context canceled", Environments: []report.Environment{env("production", restored)}}, true, exitcode.RolledBack},
		"error beats a verdict":         {report.Result{Verdict: gate.Pass, Error: "no cluster"}, false, exitcode.Error},
		"dirty beats everything else":   {report.Result{Error: "x", Environments: []report.Environment{env("production", dirty)}}, true, exitcode.Incomplete},
	} {
		t.Run(name, func(t *testing.T) {
			if got := exitCode(&c.result, c.interrupted, isProd); got != c.want {
				t.Errorf("exit code %d, want %d", got, c.want)
			}
		})
	}
}

func TestNextStepsNameWhatIsLeft(t *testing.T) {
	r := &report.Result{RunID: "r1", ExitCode: exitcode.Incomplete, Environments: []report.Environment{{
		Name: "production", ClusterName: "prod-eu",
		Plan: change.Set{Items: []change.Item{{Action: change.Create, Risks: []change.Risk{change.RiskCNI}}}},
		Reverted: &report.Revert{
			Left:    []report.Left{{Object: snapshot.Key{Kind: "Namespace", Name: "shop"}, Why: "finalizer x is stuck"}},
			Missing: []reach.Change{{Edge: reach.Edge{From: "external", To: "ingress/shop/web"}, Reason: "time-out"}},
		},
	}}}
	got := strings.Join(nextSteps(r, isProd), "\n")
	for _, want := range []string{"Namespace shop (finalizer x is stuck)", "external -> ingress/shop/web: time-out", "restart (or replace) the nodes of production", "stagegate rollback r1 --cluster-name prod-eu"} {
		if !strings.Contains(got, want) {
			t.Errorf("next steps do not say %q:\n%s", want, got)
		}
	}
}

// A cluster that was made anew hides nothing that lies outside it.
func TestNextStepsNameAStateThatIsLeft(t *testing.T) {
	r := &report.Result{RunID: "r1", ExitCode: exitcode.Incomplete, Environments: []report.Environment{{
		Name: "staging", ClusterName: "staging",
		Reverted: &report.Revert{Recreated: true, Left: []report.Left{{Address: "aws_vpc.main", Why: "it is protected"}}},
	}}}
	if got := strings.Join(nextSteps(r, isProd), "\n"); !strings.Contains(got, "in staging, put right by hand: aws_vpc.main (it is protected)") {
		t.Errorf("next steps: %s", got)
	}
}

func TestNothingProbedIsNoDifference(t *testing.T) {
	s := &session{env: &config.Environment{}, out: &report.Environment{}}
	s.findings.Baseline = matrix(map[reach.Edge]reach.Outcome{web: reach.Reachable})
	s.decide()
	if len(s.out.Difference.Gone) != 0 || s.out.Decision.Verdict == gate.Pass {
		t.Errorf("difference %v, verdict %v", s.out.Difference, s.out.Decision.Verdict)
	}
}
