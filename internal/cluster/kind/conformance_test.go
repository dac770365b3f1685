//go:build e2e

package kind_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/cluster/clustertest"
	"github.com/stagegate/stagegate/internal/cluster/kind"
	"github.com/stagegate/stagegate/internal/cluster/kind/kindtest"
	"github.com/stagegate/stagegate/internal/config"
)

func TestConformance(t *testing.T) {
	var count atomic.Int32
	clustertest.Run(t, func(t *testing.T) (cluster.Provider, string) {
		return kind.New(config.KindProvider{Config: kindtest.Config(t)}, t.TempDir()), fmt.Sprintf("conformance-%d", count.Add(1))
	})
}
