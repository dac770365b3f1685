// Package embeddedtest gives tests an embedded cluster.
package embeddedtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/cluster/embedded"
	"github.com/stagegate/stagegate/internal/cluster/embedded/controlplane"
)

// Run is for TestMain: it runs the tests and takes away the cluster that they shared.
//
//	func TestMain(m *testing.M) { os.Exit(embeddedtest.Run(m)) }
func Run(m *testing.M) int {
	code := m.Run()
	if err := cleanUp(); err != nil {
		fmt.Fprintln(os.Stderr, "taking away the shared cluster:", err)
		return max(code, 1)
	}
	return code
}

var shared struct {
	sync.Mutex
	cluster *cluster.Cluster
	root    string
	err     error
}

// Shared returns the one cluster of this test process, started when it is first asked
// for. Tests should work in namespaces of their own. TestMain must call Run.
func Shared(t testing.TB) *cluster.Cluster {
	t.Helper()
	if testing.Short() {
		t.Skip("an embedded cluster is not for short tests")
	}
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster == nil && shared.err == nil {
		shared.cluster, shared.err = startShared(t)
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.cluster
}

func startShared(t testing.TB) (*cluster.Cluster, error) {
	root, err := os.MkdirTemp("", "stagegate-test-")
	if err != nil {
		return nil, err
	}
	shared.root = root
	return Provider(root).Ensure(context.WithoutCancel(t.Context()), "shared", false, Log(t))
}

// Provider keeps its clusters under root; give each test that needs its own t.TempDir().
func Provider(root string) *embedded.Provider {
	return &embedded.Provider{Root: filepath.Join(root, "clusters"), Binary: controlplane.Find}
}

// Log sends progress to the test's log.
func Log(t testing.TB) cluster.Progress {
	return func(format string, args ...any) { t.Logf(format, args...) }
}

func cleanUp() error {
	shared.Lock()
	defer shared.Unlock()
	if shared.root == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if shared.cluster != nil {
		if err := shared.cluster.Release(ctx); err != nil {
			return err
		}
	}
	return os.RemoveAll(shared.root)
}
