package apply

import "strings"

// RefusedError is that of a part that must not be applied as it is, such as by a plan that
// is stale. Nothing of it was touched.
type RefusedError struct{ Failures []string }

func (e *RefusedError) Error() string { return strings.Join(e.Failures, "; ") }

// CheckError is that of a part that was applied, and whose own checks then do not hold.
type CheckError struct{ Failures []string }

func (e *CheckError) Error() string { return strings.Join(e.Failures, "; ") }
