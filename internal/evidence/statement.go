package evidence

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	intoto "github.com/in-toto/attestation/go/v1"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/reach"
)

// The types of in-toto Statement v1, its DSSE payload and its predicates; see
// https://github.com/in-toto/attestation/tree/main/spec and https://slsa.dev/spec/v1.1/verification_summary.
const (
	PayloadType    = "application/vnd.in-toto+json"
	StatementType  = intoto.StatementTypeUri
	TestResultType = "https://in-toto.io/attestation/test-result/v0.1"
	SummaryType    = "https://slsa.dev/verification_summary/v1"
)

// The result words of the predicates.
const (
	passed = "PASSED"
	warned = "WARNED"
	failed = "FAILED"
)

const verifierID = "https://github.com/stagegate/stagegate"

// statement is an in-toto Statement v1.
type statement struct {
	Type          string          `json:"_type"`
	Subject       []descriptor    `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate"`
}

// descriptor is an in-toto ResourceDescriptor.
type descriptor struct {
	Name        string            `json:"name,omitempty"`
	URI         string            `json:"uri,omitempty"`
	Digest      map[string]string `json:"digest,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// testResult is the predicate test-result v0.1.
type testResult struct {
	Result        string       `json:"result"`
	Configuration []descriptor `json:"configuration"`
	URL           string       `json:"url,omitempty"`
	PassedTests   []string     `json:"passedTests,omitempty"`
	WarnedTests   []string     `json:"warnedTests,omitempty"`
	FailedTests   []string     `json:"failedTests,omitempty"`
}

// summary is the predicate verification_summary v1.
type summary struct {
	Verifier           verifier     `json:"verifier"`
	TimeVerified       time.Time    `json:"timeVerified"`
	ResourceURI        string       `json:"resourceUri"`
	Policy             descriptor   `json:"policy"`
	InputAttestations  []descriptor `json:"inputAttestations"`
	VerificationResult string       `json:"verificationResult"`
	VerifiedLevels     []string     `json:"verifiedLevels"`
}

type verifier struct {
	ID      string            `json:"id"`
	Version map[string]string `json:"version"`
}

// checksStatement says what was checked, against what, and how each check ended.
func (r Record) checksStatement() ([]byte, error) {
	t := testResult{Result: failed, URL: runURI(r.RunID)}
	t.PassedTests, t.WarnedTests, t.FailedTests = r.tests()
	switch {
	case r.Decision.Verdict != gate.Pass:
	case len(t.WarnedTests) > 0:
		t.Result = warned
	default:
		t.Result = passed
	}
	t.Configuration = []descriptor{
		{Name: "run", URI: runURI(r.RunID), Annotations: map[string]string{"started": r.Started.UTC().Format(time.RFC3339Nano)}},
		{Name: "environment", URI: "stagegate:environment/" + r.Environment},
		{Name: "checks", Digest: digestSet(r.ChecksDigest)},
		{Name: "policy", Digest: digestSet(r.PolicyDigest)},
	}
	for _, in := range r.Inputs {
		t.Configuration = append(t.Configuration, descriptor{Name: in.Name, URI: in.URI, Digest: digestSet(in.Digest)})
	}
	if r.Plan != nil {
		t.Configuration = append(t.Configuration, descriptor{Name: planName, Digest: digestSet(digestOf(r.Plan))})
	}
	return r.statement(TestResultType, t)
}

// summaryStatement is the verdict; checks is the digest of the envelope of the checks.
func (r Record) summaryStatement(checks change.Digest) ([]byte, error) {
	s := summary{
		Verifier:           verifier{verifierID, map[string]string{"stagegate": r.toolVersion()}},
		TimeVerified:       r.Finished.UTC(),
		ResourceURI:        clusterURI(r.ClusterName, r.ClusterUID),
		Policy:             descriptor{URI: "stagegate:environment/" + r.Environment, Digest: digestSet(r.PolicyDigest)},
		InputAttestations:  []descriptor{{URI: runURI(r.RunID), Digest: digestSet(checks)}},
		VerificationResult: failed,
		VerifiedLevels:     []string{failed},
	}
	if r.Decision.Verdict == gate.Pass {
		s.VerificationResult, s.VerifiedLevels = passed, []string{Level(r.Environment, r.Grade)}
	}
	return r.statement(SummaryType, s)
}

func (r Record) statement(predicateType string, predicate any) ([]byte, error) {
	body, err := json.Marshal(predicate)
	if err != nil {
		return nil, fmt.Errorf("writing predicate %s: %w", predicateType, err)
	}
	return json.Marshal(statement{
		Type:          StatementType,
		Subject:       []descriptor{{Name: r.ChangeName, Digest: digestSet(r.ChangeDigest)}},
		PredicateType: predicateType,
		Predicate:     body,
	})
}

// Level is the verified level of a pass: STAGEGATE_STAGING_REACHABLE_LIVE.
func Level(environment string, g reach.Grade) string {
	return "STAGEGATE_" + upper(environment) + "_REACHABLE_" + upper(string(g))
}

func upper(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "-", "_")) }

func runURI(id string) string            { return "stagegate:run/" + id }
func clusterURI(name, uid string) string { return "stagegate:cluster/" + name + "/" + uid }

// digestSet is a digest as in-toto writes it, and nil where there is none.
func digestSet(d change.Digest) map[string]string {
	algorithm, hex, ok := strings.Cut(string(d), ":")
	if !ok {
		return nil
	}
	return map[string]string{algorithm: hex}
}

// digest is the SHA-256 digest of a digest set, or empty.
func (d descriptor) digest() change.Digest {
	if hex := d.Digest["sha256"]; hex != "" {
		return change.Digest("sha256:" + hex)
	}
	return ""
}
