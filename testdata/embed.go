// Package testdata has the changes that the demo and the tests run on.
package testdata

import "embed"

// Changes holds changes/: the incident, the same corrected, and one that only production refuses.
//
//go:embed changes
var Changes embed.FS
