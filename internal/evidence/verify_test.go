package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/reach"
)

func TestVerify(t *testing.T) {
	s, id := stored(t, record())
	if err := s.Verify(t.Context(), id, expected()); err != nil {
		t.Error(err)
	}
	if err := s.Verify(t.Context(), id[7:19], expected()); err != nil {
		t.Errorf("by a short id: %v", err)
	}
}

func TestRefusedExpectations(t *testing.T) {
	tests := map[string]struct {
		change func(*Expected)
		want   string
	}{
		"other change":      {func(e *Expected) { e.ChangeDigest = digest("x") }, "digest: the record is about change 12ea12eace7d, not 2d711642b726: stage this change"},
		"other cluster":     {func(e *Expected) { e.ClusterName = "b" }, "cluster: the record is about stagegate:cluster/staging-eu/uid-1, not stagegate:cluster/b/uid-1 (another cluster, or the cluster was made anew): stage the change again"},
		"cluster made anew": {func(e *Expected) { e.ClusterUID = "uid-2" }, "cluster: the record is about stagegate:cluster/staging-eu/uid-1, not stagegate:cluster/staging-eu/uid-2 (another cluster, or the cluster was made anew): stage the change again"},
		"other environment": {func(e *Expected) { e.Environment = "qa" }, "cluster: the record is about stagegate:environment/staging, not stagegate:environment/qa: stage the change there"},
		"other policy":      {func(e *Expected) { e.PolicyDigest = digest("x") }, "policy: the verdict is under policy 823412d1eacb, and the environment's gate is now 2d711642b726: stage the change again"},
		"other checks":      {func(e *Expected) { e.ChecksDigest = digest("x") }, "checks: the checks were 961f787b0cd3, and are now 2d711642b726: stage the change again"},
		"live asked for":    {func(e *Expected) { e.MinimumGrade = reach.Live }, `result: the verified level is ["STAGEGATE_STAGING_REACHABLE_MODELLED"], expected STAGEGATE_STAGING_REACHABLE_LIVE or better`},
		"stale":             {func(e *Expected) { e.MaxAge = 59 * time.Minute }, "age: the record is 1h0m0s old, and gate.maxEvidenceAge is 59m0s: stage the change again"},
		"clock behind":      {func(e *Expected) { e.Now = now.Add(-2 * time.Hour) }, "age: the record is from 2026-03-01T11:00:00Z, 1h0m0s in the future: set the clocks right, and stage the change again"},
		"nothing expected":  {func(e *Expected) { *e = Expected{} }, "expectation: there is nothing to compare a field with: {Environment: ClusterName: ClusterUID: ChangeDigest: PolicyDigest: ChecksDigest: MinimumGrade: MaxAge:0s Now:0001-01-01 00:00:00 +0000 UTC}"},
	}
	s, id := stored(t, record())
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			e := expected()
			test.change(&e)
			wantError(t, s.Verify(t.Context(), id, e), "verifying evidence: "+test.want)
		})
	}
}

func TestFailedVerdictsAreRefused(t *testing.T) {
	for _, v := range []gate.Verdict{gate.Blocked, gate.Inconclusive} {
		r := record()
		r.Decision = gate.Decision{Verdict: v, Findings: []gate.Finding{{Verdict: v, Rule: gate.RuleUnclear}}}
		s, id := stored(t, r)
		wantError(t, s.Verify(t.Context(), id, expected()), `verifying evidence: result: the verdict is "FAILED", expected "PASSED"`)
	}
}

// forge signs a record whose statements were changed, with the store's own key: the
// signature is good, and what it says is not.
func forge(t *testing.T, s *Store, id string, change func(c *contents)) []byte {
	t.Helper()
	content, _, err := s.Load(id)
	if err != nil {
		t.Fatal(err)
	}
	b, err := parseBundle(content)
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.statements()
	if err != nil {
		t.Fatal(err)
	}
	change(c)
	c.checks.Predicate = marshal(t, c.result)
	checks := sign(t, s, PayloadType, marshal(t, c.checks))
	if c.summary.InputAttestations != nil {
		c.summary.InputAttestations[0].Digest = digestSet(digestOf(checks))
	}
	c.verdict.Predicate = marshal(t, c.summary)
	return bundleOf(checks, sign(t, s, PayloadType, marshal(t, c.verdict)))
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	content, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func sign(t *testing.T, s *Store, payloadType string, payload []byte) []byte {
	t.Helper()
	key, err := s.Keys.signer()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := dsse.NewEnvelopeSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	e, err := signer.SignPayload(t.Context(), payloadType, payload)
	if err != nil {
		t.Fatal(err)
	}
	return marshal(t, e)
}

func (s *Store) verifyContent(t *testing.T, content []byte) error {
	t.Helper()
	keys, err := s.Keys.Trusted()
	if err != nil {
		t.Fatal(err)
	}
	return Verify(t.Context(), content, keys, expected())
}

func TestRefusedStatements(t *testing.T) {
	tests := map[string]struct {
		change func(c *contents)
		want   string // empty: accepted
	}{
		"nothing changed":   {func(*contents) {}, ""},
		"old statement":     {func(c *contents) { c.verdict.Type = "https://in-toto.io/Statement/v0.1" }, `statement type: "https://in-toto.io/Statement/v0.1", expected "https://in-toto.io/Statement/v1"`},
		"other predicate":   {func(c *contents) { c.verdict.PredicateType = "https://slsa.dev/provenance/v1" }, `predicate type: the verdict is "https://slsa.dev/provenance/v1", expected "https://slsa.dev/verification_summary/v1"`},
		"other checks type": {func(c *contents) { c.checks.PredicateType = "x" }, `predicate type: the checks are "x", expected "https://in-toto.io/attestation/test-result/v0.1"`},
		"no subject":        {func(c *contents) { c.checks.Subject = nil }, "digest: the record has 0 subjects, expected one"},
		"two subjects":      {func(c *contents) { c.verdict.Subject = append(c.verdict.Subject, c.verdict.Subject...) }, "digest: the record has 2 subjects, expected one"},
		"checks of another": {func(c *contents) { c.checks.Subject[0].Digest = digestSet(digest("x")) }, "digest: the record is about change 2d711642b726, not 12ea12eace7d: stage this change"},
		"policies disagree": {func(c *contents) { c.result.Configuration[3].Digest = digestSet(digest("x")) }, "policy: the verdict is under policy 2d711642b726, and the environment's gate is now 823412d1eacb: stage the change again"},
		"no checks digest": {func(c *contents) {
			c.result.Configuration = c.result.Configuration[:2]
			c.result.Configuration = append(c.result.Configuration, descriptor{Name: "policy", Digest: digestSet(expected().PolicyDigest)})
		}, "checks: the checks were , and are now 961f787b0cd3: stage the change again"},
		"no input":              {func(c *contents) { c.summary.InputAttestations = nil }, "checks: the verdict is not about the checks in this record"},
		"result in lower case":  {func(c *contents) { c.summary.VerificationResult = "passed" }, `result: the verdict is "passed", expected "PASSED"`},
		"checks failed":         {func(c *contents) { c.result.Result = failed }, `result: the checks are "FAILED", expected "PASSED" or "WARNED"`},
		"failed test in a pass": {func(c *contents) { c.result.FailedTests = []string{"a"} }, "result: 1 checks failed and 2 passed: a pass needs at least one, and none that failed"},
		"pass without tests":    {func(c *contents) { c.result.PassedTests, c.result.WarnedTests = nil, nil }, "result: 0 checks failed and 0 passed: a pass needs at least one, and none that failed"},
		"two levels":            {func(c *contents) { c.summary.VerifiedLevels = append(c.summary.VerifiedLevels, failed) }, `result: the verified level is ["STAGEGATE_STAGING_REACHABLE_MODELLED" "FAILED"], expected STAGEGATE_STAGING_REACHABLE_MODELLED or better`},
	}
	s, id := stored(t, record())
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := s.verifyContent(t, forge(t, s, id, test.change))
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, "verifying evidence: "+test.want)
		})
	}
}

func TestRefusedEnvelopes(t *testing.T) {
	s, id := stored(t, record())
	good, _, err := s.Load(id)
	if err != nil {
		t.Fatal(err)
	}
	first, second, _ := bytes.Cut(bytes.TrimSpace(good), []byte("\n"))
	other := Open(t.TempDir())
	if _, err := other.Keys.Own(); err != nil {
		t.Fatal(err)
	}
	own, err := s.Keys.Own()
	if err != nil {
		t.Fatal(err)
	}
	var unsigned dsse.Envelope
	if err := json.Unmarshal(first, &unsigned); err != nil {
		t.Fatal(err)
	}
	unsigned.Signatures = nil
	altered := unsigned
	altered.Signatures = []dsse.Signature{{KeyID: own.ID(), Sig: strings.Repeat("A", 86) + "=="}}
	tests := map[string]struct {
		content []byte
		want    string
	}{
		"empty":              {nil, "type: a record is two lines, each a DSSE envelope: it is cut off, or no record"},
		"cut off":            {good[:len(good)-1], "type: a record is two lines, each a DSSE envelope: it is cut off, or no record"},
		"one line":           {bundleOf(first), "type: a record is two lines, each a DSSE envelope: it is cut off, or no record"},
		"no JSON":            {bundleOf([]byte("{"), second), "type: line 1 is no DSSE envelope: unexpected end of JSON input"},
		"rewritten":          {bundleOf(first, append([]byte(" "), second...)), "type: line 2 is not a DSSE envelope as stagegate writes it: it was altered or written anew"},
		"not signed":         {bundleOf(marshal(t, unsigned), second), "signature: the record is not signed"},
		"bad signature":      {bundleOf(marshal(t, altered), second), `signature: the signature by key "` + own.ID() + `" does not match: the record was altered`},
		"other payload type": {bundleOf(sign(t, s, "application/json", []byte("{}")), second), `payload type: "application/json", expected "application/vnd.in-toto+json"`},
		"no statement":       {bundleOf(sign(t, s, PayloadType, []byte("[]")), second), "statement: reading statement: json: cannot unmarshal array into Go value of type evidence.statement"},
		"checks of another":  {bundleOf(sign(t, s, PayloadType, firstPayload(t, good)), second), ""},
		"swapped":            {bundleOf(second, first), `predicate type: the checks are "https://slsa.dev/verification_summary/v1", expected "https://in-toto.io/attestation/test-result/v0.1"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := s.verifyContent(t, test.content)
			if test.want == "" { // the very same envelope made again
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, "verifying evidence: "+test.want)
		})
	}
	t.Run("key not trusted", func(t *testing.T) {
		wantError(t, other.verifyContent(t, good), `verifying evidence: signature: key "`+own.ID()+`" is not trusted: put its public key into keys/trusted if you trust it`)
	})
	t.Run("no keys", func(t *testing.T) {
		wantError(t, Verify(t.Context(), good, nil, expected()), "verifying evidence: signature: no key is trusted: put the signer's public key into keys/trusted")
	})
}

func firstPayload(t *testing.T, content []byte) []byte {
	t.Helper()
	b, err := parseBundle(content)
	if err != nil {
		t.Fatal(err)
	}
	return b.payload[0]
}

func TestEveryBitCounts(t *testing.T) {
	s, id := stored(t, record())
	good, _, err := s.Load(id)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.verifyContent(t, good); err != nil {
		t.Fatal(err)
	}
	keys, err := s.Keys.Trusted()
	if err != nil {
		t.Fatal(err)
	}
	want := expected()
	for i := range good {
		for _, bit := range []int{0, 1 + i%7} { // the lowest is what lax base64 loses
			bad := bytes.Clone(good)
			bad[i] ^= 1 << bit
			var refused *Refused
			if err := Verify(t.Context(), bad, keys, want); !errors.As(err, &refused) {
				t.Fatalf("bit %d of byte %d (%q) flipped, and the record was accepted (%v)", bit, i, good[i], err)
			}
		}
	}
}

func FuzzVerify(f *testing.F) {
	s := Open(f.TempDir())
	id, err := s.Write(f.Context(), record())
	if err != nil {
		f.Fatal(err)
	}
	good, _, err := s.Load(id)
	if err != nil {
		f.Fatal(err)
	}
	keys, err := s.Keys.Trusted()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("{}\n{}\n"))
	f.Add([]byte(`{"payload":"e30=","payloadType":"","signatures":[{"keyid":"","sig":""}]}` + "\n{}\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := Verify(t.Context(), content, keys, expected()); err == nil && !bytes.Equal(content, good) {
			t.Error("something else than the record was accepted")
		}
		if entry, err := Describe(content); err == nil && entry.ID != string(digestOf(content)) {
			t.Error("a description with another id")
		}
	})
}
