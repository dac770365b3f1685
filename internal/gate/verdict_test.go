package gate

import (
	"encoding/json"
	"testing"
)

func TestWorst(t *testing.T) {
	tests := []struct {
		verdicts []Verdict
		want     Verdict
	}{
		{nil, Inconclusive},
		{[]Verdict{Pass}, Pass},
		{[]Verdict{Pass, Pass}, Pass},
		{[]Verdict{Pass, Inconclusive}, Inconclusive},
		{[]Verdict{Blocked, Inconclusive, Pass}, Blocked},
		{[]Verdict{Pass, Verdict(7)}, Verdict(7)},
	}
	for _, test := range tests {
		if got := Worst(test.verdicts...); got != test.want {
			t.Errorf("Worst(%v) = %v, want %v", test.verdicts, got, test.want)
		}
	}
}

func TestVerdictText(t *testing.T) {
	var zero Verdict
	if zero.String() != "inconclusive" {
		t.Errorf("zero value = %v", zero)
	}
	for _, v := range []Verdict{Inconclusive, Pass, Blocked} {
		text, err := json.Marshal(v)
		if err != nil || string(text) != `"`+v.String()+`"` {
			t.Errorf("Marshal(%v) = %s, %v", v, text, err)
		}
		var back Verdict
		if err := json.Unmarshal(text, &back); err != nil || back != v {
			t.Errorf("Unmarshal(%s) = %v, %v", text, back, err)
		}
	}
	for _, text := range []string{`""`, `"PASS"`, `"passed"`} {
		v := Blocked
		if err := json.Unmarshal([]byte(text), &v); err == nil || v != Blocked {
			t.Errorf("Unmarshal(%s) = %v, %v; want an error and nothing changed", text, v, err)
		}
	}
	if _, err := json.Marshal(Verdict(7)); err == nil {
		t.Error("a number that is no verdict was written")
	}
}
