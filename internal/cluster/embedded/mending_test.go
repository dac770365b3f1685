package embedded_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/cluster/embedded"
	"github.com/stagegate/stagegate/internal/cluster/embedded/embeddedtest"
)

// damaged starts and stops a cluster, damages its state directory and starts it again.
// It returns both runs and what was said in the second.
func damaged(t *testing.T, damage func(t *testing.T, dir string)) (before, after *cluster.Cluster, said string) {
	t.Helper()
	provider := ownProvider(t)
	before = start(t, provider, t.Logf)
	if err := before.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	damage(t, filepath.Join(provider.Root, "own"))
	var lines []string
	after = start(t, provider, func(format string, args ...any) {
		lines = append(lines, fmt.Sprintf(format, args...))
	})
	return before, after, strings.Join(lines, "\n")
}

func ownProvider(t *testing.T) *embedded.Provider {
	t.Helper()
	if testing.Short() {
		t.Skip("clusters are not for short tests")
	}
	return embeddedtest.Provider(t.TempDir())
}

func start(t *testing.T, provider *embedded.Provider, progress cluster.Progress) *cluster.Cluster {
	t.Helper()
	c, err := provider.Ensure(t.Context(), "own", false, progress)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := provider.Destroy(context.WithoutCancel(t.Context()), "own", t.Logf); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestCorruptDataIsSetAside(t *testing.T) {
	before, after, said := damaged(t, func(t *testing.T, dir string) {
		overwrite(t, filepath.Join(dir, "etcd", "member", "snap", "db"))
		logs, err := filepath.Glob(filepath.Join(dir, "etcd", "member", "wal", "*.wal"))
		if err != nil || len(logs) == 0 {
			t.Fatalf("write-ahead logs = %v, %v", logs, err)
		}
		for _, path := range logs {
			overwrite(t, path)
		}
	})
	if before.UID == after.UID {
		t.Error("the cluster kept its UID, though its data was overwritten")
	}
	if !strings.Contains(said, "etcd cannot read its data") {
		t.Errorf("progress was %q; want the mending named", said)
	}
	aside, err := filepath.Glob(filepath.Dir(after.Kubeconfig) + ".broken-*/etcd")
	if err != nil || len(aside) != 1 {
		t.Errorf("set aside: %v, %v; want the damaged data kept once", aside, err)
	}
}

func TestTornCertificatesAreMadeAnew(t *testing.T) {
	before, after, _ := damaged(t, func(t *testing.T, dir string) {
		overwrite(t, filepath.Join(dir, "pki", "apiserver.crt"))
	})
	if before.UID != after.UID {
		t.Errorf("UID is %s; want %s: the data was sound", after.UID, before.UID)
	}
}

func TestStalePidHarmsNobody(t *testing.T) {
	bystander := exec.Command("sleep", "120")
	if err := bystander.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		bystander.Process.Kill()
		bystander.Wait()
	}()
	before, after, _ := damaged(t, func(t *testing.T, dir string) {
		pid := []byte(strconv.Itoa(bystander.Process.Pid))
		if err := os.WriteFile(filepath.Join(dir, "pid"), pid, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "ready"), []byte(`{"uid":"x"}`), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	if before.UID != after.UID {
		t.Errorf("UID is %s; want %s", after.UID, before.UID)
	}
	if err := bystander.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the process that the stale pid file named is gone: %v", err)
	}
}

func TestHalfWrittenStateIsMadeAnew(t *testing.T) {
	provider := ownProvider(t)
	dir := filepath.Join(provider.Root, "own")
	if err := os.MkdirAll(filepath.Join(dir, "etcd", "member"), 0o700); err != nil {
		t.Fatal(err)
	}
	status, err := provider.Status(t.Context(), "own")
	if err != nil || status.State != cluster.Broken {
		t.Errorf("Status = %+v, %v; want broken", status, err)
	}
	var said strings.Builder
	start(t, provider, func(format string, args ...any) { fmt.Fprintf(&said, format+"\n", args...) })
	if !strings.Contains(said.String(), "cut short") {
		t.Errorf("progress was %q; want the mending named", said.String())
	}
}

func TestKilledControlPlaneKeepsItsData(t *testing.T) {
	provider := ownProvider(t)
	before := start(t, provider, t.Logf)
	pid := controlPlane(t, provider)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitState(t, provider, cluster.Stopped)
	after := start(t, provider, t.Logf)
	if before.UID != after.UID {
		t.Errorf("UID is %s; want %s", after.UID, before.UID)
	}
}

func overwrite(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("rubbish ", int(info.Size()/8))), 0o600); err != nil {
		t.Fatal(err)
	}
}

// controlPlane is the process id of the cluster's control plane.
func controlPlane(t *testing.T, provider *embedded.Provider) int {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(provider.Root, "own", "pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(data))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func waitState(t *testing.T, provider *embedded.Provider, want cluster.State) {
	t.Helper()
	var got cluster.Status
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var err error
		if got, err = provider.Status(t.Context(), "own"); err != nil {
			t.Fatal(err)
		}
		if got.State == want {
			return
		}
	}
	t.Fatalf("Status = %+v; want %s", got, want)
}
