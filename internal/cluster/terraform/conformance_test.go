package terraform_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/cluster/clustertest"
	"github.com/stagegate/stagegate/internal/cluster/embedded/controlplane"
	"github.com/stagegate/stagegate/internal/cluster/embedded/embeddedtest"
	"github.com/stagegate/stagegate/internal/cluster/terraform"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/terraform/terraformtest"
)

// TestMain is also the program that the module in testdata/embedded makes clusters with.
func TestMain(m *testing.M) {
	if do := os.Getenv("MAKE_CLUSTER"); do != "" {
		if err := makeCluster(context.Background(), do); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(embeddedtest.Run(m))
}

func makeCluster(ctx context.Context, do string) error {
	provider, name := embeddedtest.Provider(os.Getenv("ROOT")), os.Getenv("NAME")
	log := func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	if do == "down" {
		return provider.Destroy(ctx, name, log)
	}
	c, err := provider.Ensure(ctx, name, true, log)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(c.Kubeconfig)
	return errors.Join(err, os.WriteFile(os.Getenv("FILE"), content, 0o600))
}

// TestConformance makes embedded clusters, which are real APIs, with a Terraform module.
func TestConformance(t *testing.T) {
	clustertest.Run(t, embedded(t), cluster.Broken)
}

// TestInterruptedApply leaves a cluster half-made, and goes on with it.
func TestInterruptedApply(t *testing.T) {
	provider, name := embedded(t)(t)
	applied := false
	clustertest.Interrupt(t, provider, name, func(line string, cancel func()) {
		if strings.Contains(line, "Provisioning with 'local-exec'") {
			applied = true
			cancel()
		}
	}, cluster.Broken)
	if !applied {
		t.Error("the apply was never seen")
	}
}

// embedded gives providers of clusters that the module in testdata makes.
func embedded(t *testing.T) clustertest.Fresh {
	t.Helper()
	terraformtest.Need(t)
	if testing.Short() {
		t.Skip("clusters are not for short tests")
	}
	binary, err := controlplane.Find(t.Context(), embeddedtest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("STAGEGATE_CONTROLPLANE", binary)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var count atomic.Int32
	return func(t *testing.T) (cluster.Provider, string) {
		name := fmt.Sprintf("%s-%d", strings.ToLower(strings.Split(t.Name(), "/")[0]), count.Add(1))
		env := environment(t, name, "testdata/embedded", map[string]any{"program": program, "root": t.TempDir()})
		return provider(t, env), name
	}
}

// environment is one whose cluster the module in a directory makes.
func environment(t *testing.T, name, directory string, variables map[string]any) *config.Environment {
	t.Helper()
	directory, err := filepath.Abs(directory)
	if err != nil {
		t.Fatal(err)
	}
	return &config.Environment{
		Name: name, ClusterName: name, File: filepath.Join(t.TempDir(), "e.yaml"), Variables: variables,
		Provider: config.Provider{Terraform: &config.TerraformProvider{Directory: directory, KubeconfigOutput: "kubeconfig"}},
	}
}

func provider(t *testing.T, env *config.Environment) cluster.Provider {
	t.Helper()
	return providerAt(env, t.TempDir())
}

func providerAt(env *config.Environment, dir string) cluster.Provider {
	return terraform.New(terraform.Options{
		Environment: env, Dir: filepath.Join(dir, "clusters"), Home: filepath.Join(dir, "terraform"), Cache: filepath.Join(dir, "cache"),
	})
}
