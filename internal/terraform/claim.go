package terraform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/durable"
	"github.com/stagegate/stagegate/internal/filelock"
)

// claimFile, in a private directory, says whose state is where.
const claimFile = "backend.json"

// claim is where a configuration has its state in an environment.
type claim struct {
	Backend
	// Root is the configuration's directory, and Within the same as seen from the top of
	// its repository: two checkouts of one repository hold the same configuration.
	Root   string `json:"root"`
	Within string `json:"within"`
}

// claim notes where the state is, and refuses a state that another environment or another
// configuration has. One claims at a time, else two that begin at once would not see each other.
func (w *Workspace) claim(ctx context.Context) error {
	var err error
	if w.backend, err = w.readBackend(); err != nil {
		return err
	}
	lock, err := filelock.Wait(ctx, filepath.Join(w.options.Home, ".claims.lock"), func() {})
	if err != nil {
		return err
	}
	defer lock.Close()
	file := filepath.Join(w.dir, claimFile)
	mine := claim{w.backend, w.config.Root, within(w.config)}
	if w.config.kept {
		before, err := readClaim(file)
		if err != nil {
			return err
		}
		mine.Root, mine.Within = before.Root, before.Within
	}
	if err := w.refuseShared(mine, file); err != nil {
		return err
	}
	content, err := json.Marshal(mine)
	if err != nil {
		return err
	}
	return durable.Write(file, content, 0o600)
}

func within(c *Config) string {
	if rel, err := filepath.Rel(c.top(), c.Root); err == nil && rel != "." {
		return filepath.ToSlash(rel)
	}
	return filepath.Base(c.Root)
}

// readBackend is the backend that init has connected to.
func (w *Workspace) readBackend() (Backend, error) {
	content, err := os.ReadFile(filepath.Join(w.dir, "data", "terraform.tfstate"))
	if err != nil {
		return Backend{}, fmt.Errorf("reading which backend Terraform uses: %w", err)
	}
	var data struct {
		Backend struct {
			Type   string          `json:"type"`
			Config json.RawMessage `json:"config"`
		} `json:"backend"`
	}
	if err := json.Unmarshal(content, &data); err != nil {
		return Backend{}, fmt.Errorf("reading which backend Terraform uses: %w", err)
	}
	h := change.NewHash("terraform backend")
	h.Add(data.Backend.Type, data.Backend.Config)
	return Backend{Type: data.Backend.Type, Digest: h.Sum(), Workspace: w.options.Workspace, Environment: w.options.Environment}, nil
}

// readClaim is empty for one that is not there.
func readClaim(file string) (claim, error) {
	var c claim
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err = errors.Join(err, json.Unmarshal(content, &c)); err != nil {
		return c, fmt.Errorf("reading where others keep their state: %w", err)
	}
	return c, nil
}

func (w *Workspace) refuseShared(mine claim, own string) error {
	files, err := filepath.Glob(filepath.Join(w.options.Home, "*", "*", claimFile))
	if err != nil {
		return err
	}
	var refused []error
	for _, file := range files {
		other, err := readClaim(file)
		if err != nil {
			return err
		}
		if file == own || other.Digest != mine.Digest || other.Workspace != mine.Workspace {
			continue
		}
		cluster := filepath.Base(filepath.Dir(file)) == ClusterKey
		if err := mine.against(other, cluster != (w.options.Key == ClusterKey)); err != nil {
			refused = append(refused, err)
		}
	}
	if len(refused) == 0 {
		return nil
	}
	// The files are named by digests of paths; so of several the same one is told each time.
	return slices.MinFunc(refused, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
}

// against refuses to share a state. Cluster is true where one of the two is that of the
// environment's cluster.
func (c claim) against(other claim, cluster bool) error {
	if other.Environment != c.Environment {
		return fmt.Errorf("environments %s and %s keep their state in the same place (backend %s): set spec.terraform.workspace or spec.terraform.backendConfig in one of them, so that each has its own",
			min(other.Environment, c.Environment), max(other.Environment, c.Environment), c.Type)
	}
	if cluster {
		return fmt.Errorf("environment %s keeps the state of its cluster and that of a change in the same place (backend %s), where each would delete what is the other's: set spec.provider.terraform.backendConfig, or another key in the configuration",
			c.Environment, c.Type)
	}
	if _, err := os.Stat(other.Root); err == nil && other.Within != c.Within {
		return fmt.Errorf("environment %s keeps the states of %s and %s in the same place (backend %s), where each would delete what is the other's: give one of them another key in its configuration",
			c.Environment, other.Root, c.Root, c.Type)
	}
	return nil
}
