//go:build e2e

package terraform_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/cluster/clustertest"
	"github.com/stagegate/stagegate/internal/cluster/kind/kindtest"
)

// TestKindExampleInterrupted interrupts the example that the project ships amid the making
// of a kind cluster; the next try makes it.
func TestKindExampleInterrupted(t *testing.T) {
	env := environment(t, "interrupted", "../../../environments/examples/kind/cluster", kindtest.Example(t))
	clustertest.Interrupt(t, provider(t, env), "interrupted", func(line string, cancel func()) {
		if strings.HasPrefix(line, "making cluster") {
			go whenThereIsANode(t, cancel)
		}
	}, cluster.Broken)
}

func whenThereIsANode(t *testing.T, then func()) {
	for ; t.Context().Err() == nil; time.Sleep(100 * time.Millisecond) {
		out, err := exec.Command("docker", "ps", "--quiet", "--filter", "label=io.x-k8s.kind.cluster=tf-interrupted").Output()
		if err != nil {
			t.Errorf("listing containers: %v", err)
			return
		}
		if len(out) > 0 {
			then()
			return
		}
	}
}
