// Package environments holds the environment and checks files that stagegate ships with,
// and the platform that their clusters start with.
package environments

import "embed"

// Files are the shipped files, by path.
//
//go:embed *.yaml base
var Files embed.FS
