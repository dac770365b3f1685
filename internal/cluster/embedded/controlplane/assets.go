package controlplane

import (
	"fmt"
	"os"
	"path/filepath"
)

// Assets returns the directory that KUBEBUILDER_ASSETS names, or "" where it is not set.
// It must hold etcd and kube-apiserver, as for envtest.
func Assets() (string, error) {
	dir := os.Getenv("KUBEBUILDER_ASSETS")
	if dir == "" {
		return "", nil
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("reading KUBEBUILDER_ASSETS: %w", err)
	}
	for _, name := range []string{"etcd", "kube-apiserver"} {
		if err := executable(filepath.Join(dir, name)); err != nil {
			return "", fmt.Errorf("reading KUBEBUILDER_ASSETS: %w; run setup-envtest, or unset the variable to use the built-in %s", err, name)
		}
	}
	return dir, nil
}
