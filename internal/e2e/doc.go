// Package e2e holds tests on real clusters, with the build tag e2e: of whole commands, of live
// probes, and of Terraform. Each package makes clusters of its own, so that they can run side
// by side. They need Docker, Podman or nerdctl, and say so where there is none.
package e2e
