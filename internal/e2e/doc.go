// Package e2e has tests on real clusters, with the build tag e2e. They need Docker, Podman
// or nerdctl, and say so where there is none.
package e2e
