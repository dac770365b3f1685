package kind_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/cluster/kind"
	"github.com/stagegate/stagegate/internal/config"
)

// engineIn puts a stand-in for docker first in PATH. What needs a real engine is in the
// tests with the build tag e2e.
func engineIn(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if script != "" {
		if err := os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	t.Setenv("KIND_EXPERIMENTAL_PROVIDER", "")
}

func TestNoEngine(t *testing.T) {
	engineIn(t, "")
	p := kind.New(config.KindProvider{}, t.TempDir())
	_, err := p.Ensure(t.Context(), "staging", false, nil)
	if err == nil || !strings.Contains(err.Error(), "install Docker, Podman or nerdctl") {
		t.Errorf("got %v", err)
	}
}

// An interruption is not taken for a missing engine.
func TestCancelledBeforeDetection(t *testing.T) {
	engineIn(t, `echo "Docker version 28"`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := kind.New(config.KindProvider{}, t.TempDir()).Ensure(ctx, "staging", false, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestEngineNotStarted(t *testing.T) {
	engineIn(t, `case "$1" in
-v) echo "Docker version 28" ;;
*) echo "Cannot connect to the Docker daemon at unix:///var/run/docker.sock." >&2; exit 1 ;;
esac`)
	p := kind.New(config.KindProvider{}, t.TempDir())
	_, err := p.Status(t.Context(), "staging")
	if err == nil || !strings.Contains(err.Error(), "start it") {
		t.Errorf("got %v", err)
	}
}

// Somebody else's cluster that happens to have the name is neither used nor deleted.
func TestForeignClusterIsRefused(t *testing.T) {
	deleted := filepath.Join(t.TempDir(), "deleted")
	engineIn(t, `case "$1" in
-v) echo "Docker version 28" ;;
ps) echo stagegate-staging-control-plane ;;
rm|kill|stop) : > `+deleted+` ;;
esac`)
	p := kind.New(config.KindProvider{}, t.TempDir())
	want := "kind delete cluster --name stagegate-staging"
	if _, err := p.Ensure(t.Context(), "staging", false, nil); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("ensure: got %v; want it to say %q", err, want)
	}
	if err := p.Destroy(t.Context(), "staging", nil); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("destroy: got %v; want it to say %q", err, want)
	}
	status, err := p.Status(t.Context(), "staging")
	if err != nil || status.State != cluster.Broken {
		t.Errorf("status: got %+v, %v", status, err)
	}
	if _, err := os.Stat(deleted); !os.IsNotExist(err) {
		t.Error("a container of somebody else was deleted")
	}
}

// A node image that cannot be pulled is named with the remedy, and nothing is left.
func TestImageMissing(t *testing.T) {
	engineIn(t, `case "$1" in
-v) echo "Docker version 28" ;;
info) echo '{"CgroupVersion":"2","MemoryLimit":true,"PidsLimit":true,"CPUShares":true}' ;;
pull|image|inspect) echo "no such host" >&2; exit 1 ;;
esac`)
	dir := t.TempDir()
	p := kind.New(config.KindProvider{Image: "kindest/node:none"}, dir)
	_, err := p.Ensure(t.Context(), "staging", false, nil)
	for _, want := range []string{"kindest/node:none", "no such host", kind.NodeImageVariable} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v; want it to say %q", err, want)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "kind", "staging", "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestNames(t *testing.T) {
	p := kind.New(config.KindProvider{}, t.TempDir())
	for _, name := range []string{"", "Staging", "a/b", "-a", strings.Repeat("a", 41)} {
		if _, err := p.Status(t.Context(), name); err == nil || !strings.Contains(err.Error(), "cannot name a kind cluster") {
			t.Errorf("%q: got %v", name, err)
		}
	}
}
