package evidence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/reach"
)

// Skew is how far in the future evidence may be for clocks that disagree.
const Skew = 5 * time.Minute

// Expected is what evidence must be about. Every field is compared; an empty one is
// refused, since it would be no comparison.
type Expected struct {
	Environment  string
	ClusterName  string
	ClusterUID   string
	ChangeDigest change.Digest
	PolicyDigest change.Digest
	ChecksDigest change.Digest
	MinimumGrade reach.Grade
	MaxAge       time.Duration
	Now          time.Time
}

// Refused says at which step evidence was refused, and why.
type Refused struct {
	Step string
	Err  error
}

func (e *Refused) Error() string { return "verifying evidence: " + e.Step + ": " + e.Err.Error() }

// Unwrap is the reason.
func (e *Refused) Unwrap() error { return e.Err }

// Verify accepts a record that is signed by one of the keys, passed, and is about exactly
// what is expected. The error is a *Refused of the first step that fails.
func Verify(ctx context.Context, content []byte, keys []PublicKey, want Expected) error {
	b, err := parseBundle(content)
	if err != nil {
		return &Refused{"type", err}
	}
	if err := b.verifySignatures(ctx, keys); err != nil {
		return &Refused{"signature", err}
	}
	if err := b.verifyPayloadType(); err != nil {
		return &Refused{"payload type", err}
	}
	c, err := b.statements()
	if err != nil {
		return &Refused{"statement", err}
	}
	for _, step := range []struct {
		name  string
		check func() error
	}{
		{"expectation", want.complete},
		{"statement type", c.verifyType},
		{"predicate type", c.verifyPredicateType},
		{"digest", func() error { return c.verifySubject(want.ChangeDigest) }},
		{"cluster", func() error { return c.verifyCluster(want) }},
		{"policy", func() error { return c.verifyPolicy(want.PolicyDigest) }},
		{"checks", func() error { return c.verifyChecks(want.ChecksDigest, digestOf(b.lines[0])) }},
		{"result", func() error { return c.verifyResult(want) }},
		{"age", func() error { return verifyAge(c.summary.TimeVerified, want) }},
	} {
		if err := step.check(); err != nil {
			return &Refused{step.name, err}
		}
	}
	return nil
}

func (e Expected) complete() error {
	if e.Environment == "" || e.ClusterName == "" || e.ClusterUID == "" || e.ChangeDigest == "" || e.PolicyDigest == "" ||
		e.ChecksDigest == "" || e.MinimumGrade == "" || e.MaxAge <= 0 || e.Now.IsZero() {
		return fmt.Errorf("there is nothing to compare a field with: %+v", e)
	}
	return nil
}

func (b *bundle) verifySignatures(ctx context.Context, keys []PublicKey) error {
	var verifiers []dsse.Verifier
	for _, k := range keys {
		if !hasKey(verifiers, k.ID()) {
			verifiers = append(verifiers, k)
		}
	}
	if len(verifiers) == 0 {
		return errors.New("no key is trusted: put the signer's public key into keys/trusted")
	}
	for i := range b.envelope {
		if err := verifyEnvelope(ctx, &b.envelope[i], verifiers); err != nil {
			return err
		}
	}
	return nil
}

// verifyEnvelope wants every signature to be by a trusted key, and at least one.
func verifyEnvelope(ctx context.Context, e *dsse.Envelope, keys []dsse.Verifier) error {
	if len(e.Signatures) == 0 {
		return errors.New("the record is not signed")
	}
	for _, s := range e.Signatures {
		if !hasKey(keys, s.KeyID) {
			return fmt.Errorf("key %q is not trusted: put its public key into keys/trusted if you trust it", s.KeyID)
		}
		verifier, err := dsse.NewEnvelopeVerifier(keys...)
		if err != nil {
			return err
		}
		single := dsse.Envelope{PayloadType: e.PayloadType, Payload: e.Payload, Signatures: []dsse.Signature{s}}
		if _, err := verifier.Verify(ctx, &single); err != nil {
			return fmt.Errorf("the signature by key %q does not match: the record was altered", s.KeyID)
		}
	}
	return nil
}

func hasKey(keys []dsse.Verifier, id string) bool {
	return slices.ContainsFunc(keys, func(k dsse.Verifier) bool {
		keyID, err := k.KeyID()
		return err == nil && keyID == id
	})
}

func (b *bundle) verifyPayloadType() error {
	for _, e := range b.envelope {
		if e.PayloadType != PayloadType {
			return fmt.Errorf("%q, expected %q", e.PayloadType, PayloadType)
		}
	}
	return nil
}

func (c *contents) verifyType() error {
	for _, s := range []statement{c.checks, c.verdict} {
		if s.Type != StatementType {
			return fmt.Errorf("%q, expected %q", s.Type, StatementType)
		}
	}
	return nil
}

func (c *contents) verifyPredicateType() error {
	if c.checks.PredicateType != TestResultType {
		return fmt.Errorf("the checks are %q, expected %q", c.checks.PredicateType, TestResultType)
	}
	if c.verdict.PredicateType != SummaryType {
		return fmt.Errorf("the verdict is %q, expected %q", c.verdict.PredicateType, SummaryType)
	}
	return nil
}

func (c *contents) verifySubject(want change.Digest) error {
	for _, s := range []statement{c.checks, c.verdict} {
		if len(s.Subject) != 1 {
			return fmt.Errorf("the record has %d subjects, expected one", len(s.Subject))
		}
		if got := s.Subject[0].digest(); got != want {
			return fmt.Errorf("the record is about change %s, not %s: stage this change", got.Short(), want.Short())
		}
	}
	return nil
}

func (c *contents) verifyCluster(want Expected) error {
	if got, uri := c.summary.ResourceURI, clusterURI(want.ClusterName, want.ClusterUID); got != uri {
		return fmt.Errorf("the record is about %s, not %s (another cluster, or the cluster was made anew): stage the change again", got, uri)
	}
	uri := "stagegate:environment/" + want.Environment
	if got := c.configured("environment").URI; got != uri || c.summary.Policy.URI != uri {
		return fmt.Errorf("the record is about %s, not %s: stage the change there", got, uri)
	}
	return nil
}

func (c *contents) verifyPolicy(want change.Digest) error {
	for _, got := range []change.Digest{c.summary.Policy.digest(), c.configured("policy").digest()} {
		if got != want {
			return fmt.Errorf("the verdict is under policy %s, and the environment's gate is now %s: stage the change again", got.Short(), want.Short())
		}
	}
	return nil
}

func (c *contents) verifyChecks(want, envelope change.Digest) error {
	if in := c.summary.InputAttestations; len(in) != 1 || in[0].digest() != envelope {
		return errors.New("the verdict is not about the checks in this record")
	}
	if got := c.configured("checks").digest(); got != want {
		return fmt.Errorf("the checks were %s, and are now %s: stage the change again", got.Short(), want.Short())
	}
	return nil
}

func (c *contents) verifyResult(want Expected) error {
	if r := c.summary.VerificationResult; r != passed {
		return fmt.Errorf("the verdict is %q, expected %q", r, passed)
	}
	if r := c.result.Result; r != passed && r != warned {
		return fmt.Errorf("the checks are %q, expected %q or %q", r, passed, warned)
	}
	if len(c.result.FailedTests) > 0 || len(c.result.PassedTests)+len(c.result.WarnedTests) == 0 {
		return fmt.Errorf("%d checks failed and %d passed: a pass needs at least one, and none that failed",
			len(c.result.FailedTests), len(c.result.PassedTests)+len(c.result.WarnedTests))
	}
	for _, g := range []reach.Grade{reach.Modelled, reach.Live} {
		if g.Satisfies(want.MinimumGrade) && slices.Equal(c.summary.VerifiedLevels, []string{Level(want.Environment, g)}) {
			return nil
		}
	}
	return fmt.Errorf("the verified level is %q, expected %s or better", c.summary.VerifiedLevels, Level(want.Environment, want.MinimumGrade))
}

func verifyAge(made time.Time, want Expected) error {
	switch age := want.Now.Sub(made); {
	case age < -Skew:
		return fmt.Errorf("the record is from %s, %s in the future: set the clocks right, and stage the change again", made.Format(time.RFC3339), (-age).Round(time.Second))
	case age > want.MaxAge:
		return fmt.Errorf("the record is %s old, and gate.maxEvidenceAge is %s: stage the change again", age.Round(time.Second), want.MaxAge)
	}
	return nil
}

// configured is the only entry of that name in the configuration of the checks; where
// there is none, or are several, it is empty and equals nothing.
func (c *contents) configured(name string) descriptor {
	var found []descriptor
	for _, d := range c.result.Configuration {
		if d.Name == name {
			found = append(found, d)
		}
	}
	if len(found) != 1 {
		return descriptor{}
	}
	return found[0]
}
