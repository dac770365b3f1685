package kind

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/gofrs/flock"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	kindcluster "sigs.k8s.io/kind/pkg/cluster"

	"github.com/stagegate/stagegate/internal/cluster"
)

// record is what stagegate notes of a cluster that it makes: before the first container
// without a UID, and with it once the cluster has answered. A record without a UID beside
// containers is therefore a cluster left half-made.
type record struct {
	UID     string    `json:"uid,omitempty"`
	Created time.Time `json:"created"`
	Image   string    `json:"image,omitempty"`
	Config  string    `json:"config,omitempty"` // a digest of kind's configuration file
}

// session is one use of one cluster by name.
type session struct {
	provider *Provider
	kind     *kindcluster.Provider
	engine   engine
	short    string // the cluster name
	name     string // kind's name for it
	dir      string
	progress cluster.Progress
	lock     *flock.Flock
}

// The name becomes a host name with "-control-plane" after it, so it must leave room.
var validName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)

func (p *Provider) look(ctx context.Context, name string) (*session, error) {
	if !validName.MatchString(name) {
		return nil, fmt.Errorf("cluster name %q cannot name a kind cluster: use at most 40 lower-case letters, digits and hyphens", name)
	}
	s := &session{provider: p, short: name, name: prefix + name, dir: filepath.Join(p.dir, name)}
	s.progress = func(string, ...any) {}
	return s, s.detect(ctx)
}

func (s *session) detect(ctx context.Context) (err error) {
	if s.engine, err = detectEngine(ctx); err != nil {
		return err
	}
	log := logger{report: func(line string) { s.progress("%s", line) }}
	s.kind = kindcluster.NewProvider(kindcluster.ProviderWithLogger(log), s.engine.option())
	return nil
}

// open is look with the name locked against other processes until unlock.
func (p *Provider) open(ctx context.Context, name string, progress cluster.Progress) (*session, error) {
	s, err := p.look(ctx, name)
	if err != nil {
		return nil, err
	}
	if progress != nil {
		s.progress = progress
	}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the state directory: %w", err)
	}
	s.lock = flock.New(s.dir + ".lock")
	if _, err := s.lock.TryLockContext(ctx, pollInterval); err != nil {
		return nil, fmt.Errorf("waiting for another stagegate that works on kind cluster %s: %w", s.name, err)
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("making the state directory: %w", err), s.lock.Unlock())
	}
	return s, nil
}

// unlock cannot fail in a way that matters: closing the file gives the lock up too.
func (s *session) unlock() { _ = s.lock.Unlock() }

func (s *session) kubeconfig() string { return filepath.Join(s.dir, "kubeconfig") }
func (s *session) recordFile() string { return filepath.Join(s.dir, "record.json") }

// record reads what was noted of an existing cluster. No record: not made by stagegate.
func (s *session) record() (record, error) {
	content, err := os.ReadFile(s.recordFile())
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, s.foreign()
	}
	if err != nil {
		return record{}, fmt.Errorf("reading its record: %w", err)
	}
	var r record
	if err := json.Unmarshal(content, &r); err != nil {
		return record{}, fmt.Errorf("reading its record %s: %w", s.recordFile(), err)
	}
	return r, nil
}

// wanted is a record of the cluster as it would be made now.
func (p *Provider) wanted() (record, error) {
	r := record{Created: time.Now().UTC(), Image: p.image}
	if p.config == "" {
		return r, nil
	}
	content, err := os.ReadFile(p.config)
	if err != nil {
		return record{}, fmt.Errorf("reading kind's configuration: %w", err)
	}
	r.Config = fmt.Sprintf("%x", sha256.Sum256(content))
	return r, nil
}

// changed tells in what a cluster differs from what is wanted now.
func (r record) changed(wanted record) string {
	switch {
	case r.Image != wanted.Image:
		return fmt.Sprintf("it was made of the node image %s, and %s is wanted now", cmp.Or(r.Image, "that kind chooses"), cmp.Or(wanted.Image, "that one"))
	case r.Config != wanted.Config:
		return "kind's configuration has changed since it was made"
	}
	return ""
}

func (s *session) note(r record) error {
	content, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("writing its record: %w", err)
	}
	next := s.recordFile() + ".new"
	if err := os.WriteFile(next, content, 0o600); err != nil {
		return fmt.Errorf("writing its record: %w", err)
	}
	return os.Rename(next, s.recordFile())
}

func (s *session) forget() error {
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("removing its record: %w", err)
	}
	return nil
}

func (s *session) writeKubeconfig() error {
	content, err := s.kind.KubeConfig(s.name, false)
	if err != nil {
		return s.engine.explain(fmt.Errorf("reading its kubeconfig: %w", err))
	}
	if err := os.WriteFile(s.kubeconfig(), []byte(content), 0o600); err != nil {
		return fmt.Errorf("writing its kubeconfig: %w", err)
	}
	return nil
}

func (s *session) restConfig() (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", s.kubeconfig())
	if err != nil {
		return nil, fmt.Errorf("reading its kubeconfig: %w", err)
	}
	return config, nil
}
