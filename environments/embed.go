// Package environments holds the environment and checks files that stagegate ships with.
package environments

import "embed"

// Files are the shipped files, by name.
//
//go:embed *.yaml
var Files embed.FS
