package terraform

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/durable"
)

// record is what is noted of the cluster of an environment.
type record struct {
	// UID is that of the cluster, once it has answered.
	UID string `json:"uid,omitempty"`
	// Made is true where stagegate made it: the state was empty before.
	Made bool `json:"made,omitempty"`
	// Making is true from before anything is made until all of it is.
	Making bool `json:"making,omitempty"`
	// Lineage is that of the state; empty where there was none yet.
	Lineage string `json:"lineage,omitempty"`
	// Resources are the addresses that were made, in order.
	Resources []string `json:"resources,omitempty"`
	// Configuration is that which made it; it is kept, to destroy with.
	Configuration change.Digest `json:"configuration,omitempty"`
}

// recognise refuses another cluster than the one on record.
func (r *record) recognise(uid string) error {
	if r.UID == "" || r.UID == uid {
		return nil
	}
	return fmt.Errorf("the cluster that the outputs lead to (UID %s) is another than the one this environment has used (UID %s): see what became of it", uid, r.UID)
}

func (p *Provider) recordFile() string     { return filepath.Join(p.dir, "record.json") }
func (p *Provider) kubeconfigFile() string { return filepath.Join(p.dir, "kubeconfig") }

// record reads what was noted; nil where nothing was.
func (p *Provider) record() (*record, error) {
	content, err := os.ReadFile(p.recordFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	r := &record{}
	if err == nil {
		err = json.Unmarshal(content, r)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the record %s: %w", p.recordFile(), err)
	}
	return r, nil
}

func (p *Provider) note(r record) error {
	content, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := durable.Write(p.recordFile(), content, 0o600); err != nil {
		return fmt.Errorf("writing the record: %w", err)
	}
	return nil
}

// forget removes the record and the credentials.
func (p *Provider) forget() error {
	if err := os.RemoveAll(p.dir); err != nil {
		return fmt.Errorf("removing the record: %w", err)
	}
	return nil
}
