package evidence

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/durable"
)

// planName is the entry of the plan in the configuration of the checks.
const planName = "plan"

func planFile(dir string, digest change.Digest) string {
	return filepath.Join(dir, hexOf(digest)+".plan.json")
}

// writePlan keeps a plan beside the records that are about it.
func writePlan(dir string, plan []byte) error {
	if plan == nil {
		return nil
	}
	if err := durable.Write(planFile(dir, digestOf(plan)), plan, 0o600); err != nil {
		return fmt.Errorf("writing the plan of the evidence: %w", err)
	}
	return nil
}

// Plan returns the plan that a record is about, once its digest is found to be the one in
// the record; nil where the record has none. The record itself is not verified.
func (s *Store) Plan(id string) ([]byte, error) {
	content, entry, err := s.Load(id)
	if err != nil {
		return nil, err
	}
	b, err := parseBundle(content)
	if err != nil {
		return nil, fmt.Errorf("reading evidence: %w", err)
	}
	c, err := b.statements()
	if err != nil {
		return nil, fmt.Errorf("reading evidence: %w", err)
	}
	digest := c.configured(planName).digest()
	if digest == "" {
		return nil, nil
	}
	plan, err := os.ReadFile(planFile(filepath.Dir(entry.File), digest))
	if err != nil {
		return nil, fmt.Errorf("reading the plan of the evidence: %w: stage the change again", err)
	}
	if got := digestOf(plan); got != digest {
		return nil, fmt.Errorf("reading the plan of the evidence: it was altered: its digest is %s and was %s; stage the change again", got.Short(), digest.Short())
	}
	return plan, nil
}
