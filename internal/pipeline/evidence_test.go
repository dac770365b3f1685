package pipeline

import (
	"fmt"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/evidence"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/reach"
)

// Production's grade and age are asked of staging's evidence, not only of what is found there.
func TestEvidenceIsAsGoodAsTheLaterEnvironmentAsks(t *testing.T) {
	staging := config.Default("staging")
	production := config.Default("production")
	production.Gate.After = []string{"staging"}
	ch := &change.Change{Name: "one", Kind: change.Manifest}
	r := &Runner{Environments: []*config.Environment{staging, production}, Evidence: evidence.Open(t.TempDir()), Now: time.Now}
	run := &run{Runner: r, change: ch, clusters: map[string]*opened{"staging": {cluster: &cluster.Cluster{UID: "uid"}}}}
	checks, err := staging.LoadChecks()
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Evidence.Write(t.Context(), evidence.Record{
		RunID: "run", Environment: "staging", ClusterName: "staging", ClusterUID: "uid", ChangeName: "one", ChangeDigest: ch.Digest(),
		ChecksDigest: checks.Digest(), PolicyDigest: staging.Gate.Digest(), Grade: reach.Modelled, Decision: gate.Decision{Verdict: gate.Pass},
		Matrix:  reach.Matrix{Grade: reach.Modelled, Edges: []reach.Result{{Edge: reach.Edge{From: "external", To: "service/a/b:80/TCP"}, Outcome: reach.Reachable}}},
		Started: time.Now().Add(-time.Hour), Finished: time.Now().Add(-time.Hour), ToolVersion: "test", Plan: []byte("[]"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for what, test := range map[string]struct {
		grade reach.Grade
		age   time.Duration
		want  string
	}{
		"good":     {reach.Modelled, 2 * time.Hour, "<nil>"},
		"too weak": {reach.Live, 2 * time.Hour, `verifying evidence: result: the verified level is ["STAGEGATE_STAGING_REACHABLE_MODELLED"], expected STAGEGATE_STAGING_REACHABLE_LIVE or better`},
		"too old":  {reach.Modelled, time.Minute, "verifying evidence: age: the record is 1h0m0s old, and gate.maxEvidenceAge is 1m0s: stage the change again"},
	} {
		production.Gate.MinimumGrade, production.Gate.MaxEvidenceAge = test.grade, test.age
		if _, err := run.passed(t.Context(), staging, production); fmt.Sprint(err) != test.want {
			t.Errorf("%s: %v\nwant %s", what, err, test.want)
		}
		if d := r.strictest(staging); d.grade != test.grade || d.maxAge != test.age {
			t.Errorf("%s: strictest is %+v", what, d)
		}
	}
}
