// Package reach has the words of reachability: edges, outcomes, grades, and the
// difference between two matrices. How edges are found and tried is in its
// sub-packages: discover, model and live.
package reach

import "cmp"

// Outcome is what became of one edge. The zero value is Unknown.
type Outcome string

// Outcomes. An Error is a probe or an evaluation that could not be made; it is never
// read as Unreachable.
const (
	Unknown     Outcome = ""
	Reachable   Outcome = "reachable"
	Unreachable Outcome = "unreachable"
	Error       Outcome = "error"
)

// String names the zero value too.
func (o Outcome) String() string {
	if o == Unknown {
		return "unknown"
	}
	return string(o)
}

// MarshalText writes the zero value as "unknown".
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (o *Outcome) UnmarshalText(text []byte) error {
	*o = Outcome(text)
	if *o == "unknown" {
		*o = Unknown
	}
	return nil
}

// Grade is how outcomes were found. The zero value is no grade at all.
type Grade string

// Grades, weakest first: Modelled means that policies and endpoints were evaluated and
// no packet was sent; Live means that packets were sent.
const (
	Modelled Grade = "modelled"
	Live     Grade = "live"
)

// Stricter is the grade of the two that asks for more.
func (g Grade) Stricter(o Grade) Grade {
	if g == Live || o == Live {
		return Live
	}
	return cmp.Or(g, o)
}

// Satisfies tells whether outcomes of grade g are good enough where minimum is asked for.
func (g Grade) Satisfies(minimum Grade) bool {
	switch minimum {
	case Live:
		return g == Live
	case Modelled:
		return g == Live || g == Modelled
	}
	return false
}
