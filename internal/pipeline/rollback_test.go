package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/report"
)

// A rollback stays with the run that it took back, in the history and for status.
func TestRollbackIsRemembered(t *testing.T) {
	home, started := t.TempDir(), time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	dir := filepath.Join(home, "runs", "one")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	earlier := &report.Result{RunID: "one", Verdict: gate.Pass, Environments: []report.Environment{{Name: "staging"}, {Name: "production"}}}
	again := &run{Runner: &Runner{}, dir: dir, result: &report.Result{RunID: "one", Started: started, Environments: []report.Environment{{Name: "production"}}}}
	if err := again.write(*earlier); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		reverted *report.Revert
		want     string
	}{
		{nil, "<nil>"}, // it did not come to a revert
		{&report.Revert{Left: []report.Left{{Why: "stuck"}}}, "rollback incomplete"},
		{&report.Revert{Restored: true}, "rolled back"},
	} {
		again.result.Environments[0].Reverted = test.reverted
		if err := again.remember(earlier, 1); err != nil {
			t.Fatal(err)
		}
		runs, err := Runs(home, 0)
		if err != nil || len(runs) != 1 {
			t.Fatalf("%v: %d runs, want one", err, len(runs))
		}
		got := runs[0].Environments
		if back := fmt.Sprint(got[1].RolledBack); back != test.want || got[0].RolledBack != nil || runs[0].Verdict != gate.Pass {
			t.Errorf("rolled back: %s in production, %v in staging; want %s, nil", back, got[0].RolledBack, test.want)
		}
	}
}

// What a newer version has written is refused, whole.
func TestNewerFormats(t *testing.T) {
	home := t.TempDir()
	dir := filepath.Join(home, "runs", "one", "staging")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	result, record := filepath.Join(home, "runs", "one", "result.json"), filepath.Join(dir, "part-00.json")
	for _, file := range []string{result, record} {
		if err := os.WriteFile(file, []byte(`{"format": 2, "unheardOf": true}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const refused = "its format is 2, and this version reads up to 1: use the newer stagegate that wrote it"
	if _, err := ReadRun(home, "one"); fmt.Sprint(err) != "reading the result of run one: "+refused {
		t.Errorf("result: %v", err)
	}
	s := &session{run: &run{Runner: &Runner{Home: home}, dir: filepath.Join(home, "runs", "one")}, env: &config.Environment{Name: "staging"}}
	if err := s.readRecords(); fmt.Sprint(err) != "reading the record "+record+": "+refused {
		t.Errorf("record: %v", err)
	}
}
