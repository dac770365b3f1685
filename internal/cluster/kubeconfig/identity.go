package kubeconfig

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// identity is what is recorded of the cluster of an environment on first use.
type identity struct {
	UID      string    `json:"uid"`
	Server   string    `json:"server"`
	Recorded time.Time `json:"recorded"`
}

// known is the recorded identity, or nil where none is recorded yet.
func (p *Provider) known() (*identity, error) {
	content, err := os.ReadFile(p.identityFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the recorded identity: %w", err)
	}
	var known identity
	if err := json.Unmarshal(content, &known); err != nil || known.UID == "" {
		return nil, fmt.Errorf("the recorded identity %s cannot be read: make sure which cluster this is, then remove the file", p.identityFile())
	}
	return &known, nil
}

// recognise records the identity on first use, and compares it from then on.
func (p *Provider) recognise(c connection) error {
	known, err := p.known()
	if err != nil {
		return err
	}
	if known != nil {
		return p.compare(*known, c)
	}
	if err := p.remember(identity{UID: c.id.UID, Server: c.rest.Host, Recorded: time.Now().UTC()}); err != nil {
		return fmt.Errorf("recording the identity: %w", err)
	}
	return nil
}

// compare goes by the UID. The server's address may change (a new load balancer); it is
// named to help people understand a refusal.
func (p *Provider) compare(known identity, c connection) error {
	if known.UID == c.id.UID {
		return nil
	}
	return fmt.Errorf("the cluster at %s (UID %s) is another than the one this environment has used since %s (UID %s at %s): correct the context, or, if the cluster was made anew on purpose, remove %s",
		c.rest.Host, c.id.UID, known.Recorded.Format(time.DateOnly), known.UID, known.Server, p.identityFile())
}

func (p *Provider) remember(now identity) error {
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return err
	}
	content, err := json.Marshal(now)
	if err != nil {
		return err
	}
	path := p.identityFile()
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
