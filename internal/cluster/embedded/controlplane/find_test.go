package controlplane

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindTakesTheNamedProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine")
	t.Setenv("STAGEGATE_CONTROLPLANE", path)
	if _, err := Find(t.Context(), silent); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "STAGEGATE_CONTROLPLANE") {
		t.Errorf("Find of a missing file = %v; want the variable named", err)
	}
	write(t, path, "")
	if _, err := Find(t.Context(), silent); err == nil || !strings.Contains(err.Error(), "not an executable file") {
		t.Errorf("Find of a plain file = %v; want an error", err)
	}
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := Find(t.Context(), silent); err != nil || got != path {
		t.Errorf("Find = %q, %v; want %q", got, err, path)
	}
}

func TestUpwardsFindsTheModule(t *testing.T) {
	root := t.TempDir()
	deep := filepath.Join(root, "a", "b")
	for _, dir := range []string{deep, filepath.Join(root, moduleDir)} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(root, moduleDir, "go.mod"), "module example.com/other\n")
	if dir, ok := upwards(deep); ok {
		t.Errorf("upwards found %s, which is another module", dir)
	}
	write(t, filepath.Join(root, moduleDir, "go.mod"), "module "+modulePath+"\n")
	if dir, ok := upwards(deep); !ok || dir != filepath.Join(root, moduleDir) {
		t.Errorf("upwards = %q, %v; want the module", dir, ok)
	}
}

func TestModuleIsFoundFromItsOwnSource(t *testing.T) {
	t.Chdir(t.TempDir())
	dir, err := findSource(t.Context(), silent)
	if err != nil || filepath.Base(dir) != program {
		t.Fatalf("findSource = %q, %v", dir, err)
	}
}

// TestLinkerFlagsNameTheKubernetesOfTheModule keeps the two files in step.
func TestLinkerFlagsNameTheKubernetesOfTheModule(t *testing.T) {
	dir, err := findSource(t.Context(), silent)
	if err != nil {
		t.Fatal(err)
	}
	flags, err := os.ReadFile(filepath.Join(dir, linkerFlags))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	_, version, _ := strings.Cut(string(flags), "gitVersion=")
	version = strings.Fields(version)[0]
	if !strings.Contains(string(mod), "k8s.io/kubernetes "+version+"\n") {
		t.Errorf("%s says %s, which go.mod does not require", linkerFlags, version)
	}
}

func TestAssets(t *testing.T) {
	t.Setenv("KUBEBUILDER_ASSETS", "")
	if dir, err := Assets(); err != nil || dir != "" {
		t.Errorf("Assets without the variable = %q, %v", dir, err)
	}
	assets := t.TempDir()
	t.Setenv("KUBEBUILDER_ASSETS", assets)
	write(t, filepath.Join(assets, "etcd"), "")
	if err := os.Chmod(filepath.Join(assets, "etcd"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Assets(); err == nil || !strings.Contains(err.Error(), "kube-apiserver") {
		t.Errorf("Assets without kube-apiserver = %v; want it named", err)
	}
	write(t, filepath.Join(assets, "kube-apiserver"), "")
	if err := os.Chmod(filepath.Join(assets, "kube-apiserver"), 0o755); err != nil {
		t.Fatal(err)
	}
	if dir, err := Assets(); err != nil || dir != assets {
		t.Errorf("Assets = %q, %v; want %q", dir, err, assets)
	}
}
