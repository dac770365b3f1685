// Package exitcode is the one table of exit codes. A verdict never shares a code with a
// crash, and the output format never changes the code.
package exitcode

// The exit codes.
const (
	Pass         = 0
	Error        = 1
	Usage        = 2
	Blocked      = 3   // production untouched
	Inconclusive = 4   // production untouched
	RolledBack   = 5   // production was changed and rolled back
	Incomplete   = 6   // rollback incomplete: a person is needed
	Interrupted  = 130 // resumable
)
