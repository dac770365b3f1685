//go:build e2e

package probes_test

import (
	"testing"

	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
)

// TestOneNode shares one cluster of one node: first without a policy engine, then with one.
func TestOneNode(t *testing.T) {
	w := newWorld(t, "one", v1alpha4.ControlPlaneRole)
	for _, test := range []struct {
		name string
		run  func(*world)
	}{
		{"live", testLive},
		{"many edges are measured", testMany},
		{"Calico cuts off and is lifted", testCalico},
		{"the model agrees with Felix", testModel},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(w.in(t)) })
	}
}
