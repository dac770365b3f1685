package evidence

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPlanIsKeptAndBound(t *testing.T) {
	r := record()
	r.Plan = []byte(`[{"part": "infra"}]`)
	s, id := stored(t, r)
	got, err := s.Plan(id)
	if err != nil || string(got) != string(r.Plan) {
		t.Fatalf("plan is %s, %v, want %s", got, err, r.Plan)
	}
	if err := s.Verify(t.Context(), id, expected()); err != nil {
		t.Errorf("the record with a plan is refused: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "*", "*.plan.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files are %v, %v, want one plan", files, err)
	}
	if err := os.WriteFile(files[0], []byte("[]"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = s.Plan(id)
	wantError(t, err, "reading the plan of the evidence: it was altered: its digest is "+digest("[]").Short()+" and was "+digest(string(r.Plan)).Short()+"; stage the change again")
	if err := os.Remove(files[0]); err != nil {
		t.Fatal(err)
	}
	if _, err = s.Plan(id); err == nil {
		t.Error("a plan that is gone is no error")
	}
}

func TestRecordWithoutAPlan(t *testing.T) {
	s, id := stored(t, record())
	if plan, err := s.Plan(id); plan != nil || err != nil {
		t.Errorf("plan is %s, %v, want none", plan, err)
	}
}
