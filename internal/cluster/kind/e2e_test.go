//go:build e2e

package kind_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/cluster/kind"
	"github.com/stagegate/stagegate/internal/cluster/kind/kindtest"
	"github.com/stagegate/stagegate/internal/config"
)

func containers(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("docker", "ps", "--all", "--quiet", "--filter", "label=io.x-k8s.kind.cluster=stagegate-"+name).Output()
	if err != nil {
		t.Fatalf("listing containers (this test needs a running Docker): %v", err)
	}
	return strings.TrimSpace(string(out))
}

// TestLife makes a cluster, finds it again, starts it after its nodes were stopped,
// refuses it without its record, and destroys it. The user's kubeconfig stays as it is.
func TestLife(t *testing.T) {
	user := filepath.Join(t.TempDir(), "config")
	t.Setenv("KUBECONFIG", user)
	dir := t.TempDir()
	p := kind.New(config.KindProvider{Config: kindtest.Config(t)}, dir)
	t.Cleanup(func() {
		if err := p.Destroy(context.Background(), "life", t.Logf); err != nil {
			t.Error(err)
		}
		if left := containers(t, "life"); left != "" {
			t.Errorf("containers left: %s", left)
		}
	})
	began := time.Now()
	made, err := p.Ensure(t.Context(), "life", false, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("made in %s: %s %s", time.Since(began).Round(time.Second), made.Version, made.UID)
	if info, err := os.Stat(made.Kubeconfig); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("kubeconfig: %v, %v; want mode 0600", info, err)
	}
	if _, err := os.Stat(user); !os.IsNotExist(err) {
		t.Errorf("the user's kubeconfig was touched: %v", err)
	}
	if err := made.Release(t.Context()); err != nil {
		t.Error(err)
	}
	expect := func(want cluster.State) {
		t.Helper()
		if s, err := p.Status(t.Context(), "life"); err != nil || s.State != want {
			t.Errorf("status: %+v, %v; want %s", s, err, want)
		}
	}
	expect(cluster.Running)
	if out, err := exec.Command("docker", "stop", "-t", "60", "stagegate-life-control-plane").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	expect(cluster.Stopped)
	found, err := p.Ensure(t.Context(), "life", false, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	if found.UID != made.UID {
		t.Errorf("UID %s, then %s", made.UID, found.UID)
	}
	if _, err := kind.New(config.KindProvider{}, t.TempDir()).Ensure(t.Context(), "life", false, nil); err == nil {
		t.Error("a cluster without a record was taken for ours")
	}
	var said []string
	note := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	if _, err := kind.New(config.KindProvider{Image: "kindest/node:other"}, dir).Ensure(t.Context(), "life", false, note); err != nil {
		t.Error(err)
	}
	if text := strings.Join(said, "\n"); !strings.Contains(text, "kindest/node:other is wanted now") {
		t.Errorf("a cluster of another node image is used without a word: %s", text)
	}
}

// dirVariable has a test process make a cluster in the directory, to be killed.
const dirVariable = "STAGEGATE_TEST_KIND_DIR"

// TestKilledCreate kills a process in the middle of its work: what it leaves is known as
// half-made, and replaced.
func TestKilledCreate(t *testing.T) {
	if dir := os.Getenv(dirVariable); dir != "" {
		_, err := kind.New(config.KindProvider{Config: kindtest.Config(t)}, dir).Ensure(t.Context(), "killed", false, nil)
		t.Fatalf("it was not killed: %v", err)
	}
	dir := t.TempDir()
	p := kind.New(config.KindProvider{Config: kindtest.Config(t)}, dir)
	t.Cleanup(func() {
		if err := p.Destroy(context.Background(), "killed", t.Logf); err != nil {
			t.Error(err)
		}
	})
	maker := exec.Command(os.Args[0], "-test.run=^TestKilledCreate$")
	maker.Env = append(os.Environ(), dirVariable+"="+dir)
	if err := maker.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); containers(t, "killed") == ""; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no container was made")
		}
	}
	half := containers(t, "killed")
	if err := maker.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = maker.Wait() // it was killed
	if s, err := p.Status(t.Context(), "killed"); err != nil || s.State != cluster.Broken {
		t.Errorf("status: %+v, %v; want broken", s, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	replaced := false
	if _, err := p.Ensure(ctx, "killed", false, func(format string, args ...any) {
		t.Logf(format, args...)
		if now := containers(t, "killed"); now != "" && now != half {
			replaced = true
			cancel() // this much is enough to see
		}
	}); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if !replaced {
		t.Errorf("the half-made container %s was not replaced", half)
	}
}

// TestInterruptedCreate cancels when a node is starting; nothing may be left. The conformance
// suite cancels earlier.
func TestInterruptedCreate(t *testing.T) {
	dir := t.TempDir()
	p := kind.New(config.KindProvider{Config: kindtest.Config(t)}, dir)
	const after = 9 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), after)
	defer cancel()
	if _, err := p.Ensure(ctx, "cut", false, t.Logf); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("cancelled after %s: got %v", after, err)
	}
	if left := containers(t, "cut"); left != "" {
		t.Fatalf("cancelled after %s: containers left: %s", after, left)
	}
	if s, err := p.Status(t.Context(), "cut"); err != nil || s.State != cluster.Absent {
		t.Errorf("cancelled after %s: status %+v, %v", after, s, err)
	}
}
