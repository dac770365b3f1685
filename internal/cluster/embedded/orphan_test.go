package embedded_test

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/cluster/embedded/embeddedtest"
)

// ownerRoot tells the test binary to be a stagegate that starts a cluster and waits to
// be killed.
const ownerRoot, ownerKeep = "STAGEGATE_TEST_OWNER_ROOT", "STAGEGATE_TEST_OWNER_KEEP"

func TestMain(m *testing.M) {
	if root := os.Getenv(ownerRoot); root != "" {
		os.Exit(own(root, os.Getenv(ownerKeep) != ""))
	}
	os.Exit(embeddedtest.Run(m))
}

func own(root string, keep bool) int {
	_, err := embeddedtest.Provider(root).Ensure(context.Background(), "own", keep, func(string, ...any) {})
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	os.Stdout.WriteString("ready\n")
	time.Sleep(time.Hour)
	return 0
}

// TestOwnerKilled kills the stagegate that started a cluster: one that was not to be
// kept ends with it.
func TestOwnerKilled(t *testing.T) {
	for _, test := range []struct {
		name, keep string
		want       cluster.State
	}{{"not kept", "", cluster.Stopped}, {"kept", "yes", cluster.Running}} {
		t.Run(test.name, func(t *testing.T) {
			if testing.Short() {
				t.Skip("clusters are not for short tests")
			}
			root := t.TempDir()
			provider := embeddedtest.Provider(root)
			t.Cleanup(func() {
				if err := provider.Destroy(context.WithoutCancel(t.Context()), "own", t.Logf); err != nil {
					t.Error(err)
				}
			})
			owner := exec.CommandContext(t.Context(), os.Args[0])
			owner.Env = append(os.Environ(), ownerRoot+"="+root, ownerKeep+"="+test.keep)
			owner.Stderr = os.Stderr
			stdout, err := owner.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := owner.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := stdout.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			waitState(t, provider, cluster.Running)
			owner.Process.Kill()
			owner.Wait()
			if test.want == cluster.Running {
				time.Sleep(2 * time.Second) // long enough for one that is not kept
			}
			waitState(t, provider, test.want)
		})
	}
}
