package terraform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/durable"
	"github.com/stagegate/stagegate/internal/terraform"
)

// committedFile, in a private directory, names the configuration that was committed last.
const committedFile = "committed.json"

// readCommitted is what was committed last for a cluster; nil where nothing was. What was
// in force on another one, before this was made in its place, is nothing to go back to.
func readCommitted(dir, cluster string) (*apply.TerraformVersion, error) {
	content, err := os.ReadFile(filepath.Join(dir, committedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	v := &apply.TerraformVersion{}
	if err == nil {
		err = json.Unmarshal(content, v)
	}
	if err != nil {
		return nil, fmt.Errorf("reading which configuration was committed last: %w", err)
	}
	if v.Cluster != cluster {
		return nil, nil
	}
	return v, nil
}

// writeCommitted notes what is in force; nil is nothing.
func writeCommitted(dir string, v *apply.TerraformVersion) error {
	file := filepath.Join(dir, committedFile)
	if v == nil {
		if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	content, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return durable.Write(file, content, 0o600)
}

// Commit notes the configuration as the last good one, to which a later revert returns. The
// record knows of it first: with that, a revert is the more careful one.
func (b *Backend) Commit(_ context.Context, record *apply.Record) error {
	t := record.Terraform
	if t == nil {
		return nil
	}
	t.Committed = true
	if err := record.Save(); err != nil {
		return err
	}
	return writeCommitted(b.directory(t), &t.Applied)
}

func (b *Backend) directory(t *apply.Terraform) string {
	return terraform.Directory(b.options.Home, b.options.Environment.Name, t.Key)
}
