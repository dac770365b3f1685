//go:build e2e

package terraform_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/cluster/clustertest"
	"github.com/stagegate/stagegate/internal/cluster/kind"
)

// TestKindExampleConformance makes kind clusters with the example that the project ships.
func TestKindExampleConformance(t *testing.T) {
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", filepath.Join(bin, "kind"), "sigs.k8s.io/kind").CombinedOutput(); err != nil {
		t.Fatalf("building kind: %v\n%s", err, out)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("HOME", t.TempDir()) // where the module writes kubeconfig files
	var count atomic.Int32
	clustertest.Run(t, func(t *testing.T) (cluster.Provider, string) {
		name := fmt.Sprintf("conformance-%d", count.Add(1))
		env := environment(t, name, "../../../environments/examples/kind/cluster", map[string]any{"node_image": os.Getenv(kind.NodeImageVariable)})
		return provider(t, env), name
	}, cluster.Broken)
}
