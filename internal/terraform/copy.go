package terraform

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// copyTo writes the configuration below base, with the root module and local modules
// placed to each other as they were, and returns the root module's directory there. What
// was below base is removed first.
func (c *Config) copyTo(base string) (string, error) {
	if err := os.RemoveAll(base); err != nil {
		return "", fmt.Errorf("copying the Terraform configuration: %w", err)
	}
	root := filepath.Join(base, c.below())
	if err := os.MkdirAll(root, 0o700); err != nil {
		return "", fmt.Errorf("copying the Terraform configuration: %w", err)
	}
	for _, f := range c.Files {
		name := filepath.Join(root, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return "", fmt.Errorf("copying the Terraform configuration: %w", err)
		}
		if err := os.WriteFile(name, f.Content, 0o600); err != nil {
			return "", fmt.Errorf("copying the Terraform configuration: %w", err)
		}
	}
	return root, nil
}

// below is where the root module lies under the directory that holds all of the files:
// as many elements of its path as the farthest local module goes up.
func (c *Config) below() string {
	up := 0
	for _, f := range c.Files {
		up = max(up, strings.Count(f.Name, "../"))
	}
	elements := strings.Split(filepath.ToSlash(strings.TrimPrefix(c.Root, filepath.VolumeName(c.Root))), "/")
	return filepath.Join(elements[max(0, len(elements)-up):]...)
}
