package policy

// Tri is a truth value of Kleene's three-valued logic. Maybe is what depends on something
// that is not known, such as the address of a pod that does not run yet. The order of the
// values makes "and" the minimum and "or" the maximum.
type Tri uint8

// The truth values.
const (
	No Tri = iota
	Maybe
	Yes
)

// Not is the negation.
func (t Tri) Not() Tri { return Yes - t }

// Of is the truth value of a bool.
func Of(b bool) Tri {
	if b {
		return Yes
	}
	return No
}
