package kindtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stagegate/stagegate/internal/cluster/kind"
)

// Example readies a test for the Terraform module environments/examples/kind/cluster: kind's
// own program is on PATH, and HOME, where the module writes kubeconfig files, is the test's.
// It returns the values of the module's variables.
func Example(t *testing.T) map[string]any {
	t.Helper()
	bin := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, "kind"), "sigs.k8s.io/kind").CombinedOutput(); err != nil {
		t.Fatalf("building kind: %v\n%s", err, out)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("HOME", t.TempDir())
	containerd, kubeadm := patches()
	return map[string]any{
		"node_image": os.Getenv(kind.NodeImageVariable), "containerd_patches": containerd, "kubeadm_patches": kubeadm,
	}
}
