package embedded_test

import (
	"testing"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/cluster/clustertest"
	"github.com/stagegate/stagegate/internal/cluster/embedded/embeddedtest"
)

func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("clusters are not for short tests")
	}
	clustertest.Run(t, func(t *testing.T) (cluster.Provider, string) {
		return embeddedtest.Provider(t.TempDir()), "conformance"
	})
}
