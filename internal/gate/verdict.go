package gate

import "fmt"

// String is the verdict's word in reports and evidence.
func (v Verdict) String() string {
	switch v {
	case Inconclusive:
		return "inconclusive"
	case Pass:
		return "pass"
	case Blocked:
		return "blocked"
	}
	return fmt.Sprintf("Verdict(%d)", int(v))
}

// MarshalText writes the verdict's word; a number that is no verdict is an error.
func (v Verdict) MarshalText() ([]byte, error) {
	if v < Inconclusive || v > Blocked {
		return nil, fmt.Errorf("writing verdict: %d is no verdict", int(v))
	}
	return []byte(v.String()), nil
}

// UnmarshalText is the inverse of MarshalText.
func (v *Verdict) UnmarshalText(text []byte) error {
	for _, known := range []Verdict{Inconclusive, Pass, Blocked} {
		if string(text) == known.String() {
			*v = known
			return nil
		}
	}
	return fmt.Errorf("reading verdict: %q is none of inconclusive, pass, blocked", text)
}

// Worst merges verdicts: blocked, then inconclusive, then pass. It passes only when all
// do and there is at least one.
func Worst(verdicts ...Verdict) Verdict {
	if len(verdicts) == 0 {
		return Inconclusive
	}
	worst := Pass
	for _, v := range verdicts {
		if v.severity() > worst.severity() {
			worst = v
		}
	}
	return worst
}

// severity orders verdicts, the worst highest. A number that is no verdict is unclear.
func (v Verdict) severity() int {
	switch v {
	case Blocked:
		return 2
	case Pass:
		return 0
	}
	return 1
}
