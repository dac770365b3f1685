package terraform

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/durable"
)

// Directory is the private directory of a configuration in an environment.
func Directory(home, environment, key string) string { return filepath.Join(home, environment, key) }

// rootFile says where the root module lies in a configuration that is kept.
const rootFile = "root"

// Keep keeps a configuration below a private directory, by its digest, so that it can be
// planned and applied again when the user's directory has long moved on.
func (c *Config) Keep(dir string) error {
	kept := keptAt(dir, c.Digest())
	if _, err := os.Stat(filepath.Join(kept, rootFile)); err == nil {
		return nil
	}
	if _, err := c.copyTo(filepath.Join(kept, "files")); err != nil {
		return err
	}
	return durable.Write(filepath.Join(kept, rootFile), []byte(c.below()), 0o600)
}

// Kept reads a configuration that was kept. Errors call it name.
func Kept(dir string, digest change.Digest, name string) (*Config, error) {
	kept := keptAt(dir, digest)
	root, err := os.ReadFile(filepath.Join(kept, rootFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the configuration %s of %s is not kept here any more: apply it from where it is kept, such as your version control", digest.Short(), name)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the kept configuration: %w", err)
	}
	c, err := Read(filepath.Join(kept, "files", string(root)))
	if err != nil {
		return nil, fmt.Errorf("reading the kept configuration: %w", err)
	}
	if got := c.Digest(); got != digest {
		return nil, fmt.Errorf("reading the kept configuration: %s was altered: its digest is %s", kept, got.Short())
	}
	c.shown, c.kept = name, true
	return c, nil
}

func keptAt(dir string, digest change.Digest) string {
	return filepath.Join(dir, "configurations", strings.TrimPrefix(string(digest), "sha256:"))
}
