package evidence

import (
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/reach"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func digest(of string) change.Digest { return digestOf([]byte(of)) }

// record is a pass in staging, an hour old.
func record() Record {
	web := reach.Edge{From: "external", To: "ingress/shop/web", Host: "shop.example", Path: "/"}
	db := reach.Edge{From: "deployment/shop/web", To: "service/shop/db:5432/TCP"}
	return Record{
		RunID: "r1", Environment: "staging", ClusterName: "staging-eu", ClusterUID: "uid-1", ChangeName: "charts/shop",
		ChangeDigest: digest("change"), ChecksDigest: digest("checks"), PolicyDigest: digest("policy"),
		Grade: reach.Modelled,
		Decision: gate.Decision{Verdict: gate.Pass, Findings: []gate.Finding{
			{Verdict: gate.Pass, Rule: gate.RuleAlreadyBroken, Edge: &db, Message: "password=hunter2"},
		}},
		Matrix: reach.Matrix{Grade: reach.Modelled, Edges: []reach.Result{
			{Edge: web, Outcome: reach.Reachable}, {Edge: db, Outcome: reach.Unreachable, Reason: "password=hunter2"},
		}},
		Started: now.Add(-61 * time.Minute), Finished: now.Add(-time.Hour), ToolVersion: "v0.1.0",
		Inputs: []Input{{Name: "journal", Digest: digest("journal")}, {Name: "probe-image", URI: "docker://probe"}},
	}
}

// expected is what record is about.
func expected() Expected {
	r := record()
	return Expected{
		Environment: r.Environment, ClusterName: r.ClusterName, ClusterUID: r.ClusterUID, ChangeDigest: r.ChangeDigest,
		PolicyDigest: r.PolicyDigest, ChecksDigest: r.ChecksDigest, MinimumGrade: reach.Modelled, MaxAge: 24 * time.Hour, Now: now,
	}
}

// stored writes a record into a new store.
func stored(t *testing.T, r Record) (*Store, string) {
	t.Helper()
	s := Open(t.TempDir())
	id, err := s.Write(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return s, id
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("error\n got %v\nwant %s", err, want)
	}
}

func TestNoMessageGetsIntoTheRecord(t *testing.T) {
	s, id := stored(t, record())
	content, _, err := s.Load(id)
	if err != nil {
		t.Fatal(err)
	}
	b, err := parseBundle(content)
	if err != nil {
		t.Fatal(err)
	}
	for _, payload := range b.payload {
		if strings.Contains(string(payload), "hunter2") {
			t.Errorf("a message is on record: %s", payload)
		}
	}
}

func TestRefusedRecords(t *testing.T) {
	tests := map[string]struct {
		change func(*Record)
		want   string
	}{
		"no digest":   {func(r *Record) { r.ChecksDigest = "" }, `writing evidence: the checks digest "" is no SHA-256 digest`},
		"bad digest":  {func(r *Record) { r.ChangeDigest = "sha256:../x" }, `writing evidence: the change digest "sha256:../x" is no SHA-256 digest`},
		"no cluster":  {func(r *Record) { r.ClusterUID = "" }, "writing evidence: the cluster UID is missing"},
		"no time":     {func(r *Record) { r.Finished = time.Time{} }, "writing evidence: the time is missing"},
		"empty pass":  {func(r *Record) { r.Matrix.Edges = nil }, "writing evidence: a pass needs edges, all found in the grade of the record"},
		"other grade": {func(r *Record) { r.Grade = reach.Live }, "writing evidence: a pass needs edges, all found in the grade of the record"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := record()
			test.change(&r)
			_, err := Open(t.TempDir()).Write(t.Context(), r)
			wantError(t, err, test.want)
		})
	}
}
