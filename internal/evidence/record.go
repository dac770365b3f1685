// Package evidence makes, keeps and verifies signed records of verdicts. A record is an
// in-toto attestation bundle (.intoto.jsonl): one DSSE envelope a line, first the checks
// (test-result), then the verdict on them (SLSA verification summary). Neither holds a
// message of a tool or a value of the change, so no secret can get in.
package evidence

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/reach"
)

// Record is what is put on record of one run in one environment.
type Record struct {
	RunID        string
	Environment  string
	ClusterName  string
	ClusterUID   string
	ChangeName   string
	ChangeDigest change.Digest
	ChecksDigest change.Digest
	PolicyDigest change.Digest
	Grade        reach.Grade
	Decision     gate.Decision
	Matrix       reach.Matrix // after the change
	Started      time.Time
	Finished     time.Time
	ToolVersion  string
	// Inputs are other things that the verdict rests on: the head of the journal, the
	// probe image.
	Inputs []Input
	// Plan is what the change would do, as JSON, for the comparison with a later plan; it
	// is kept beside the record, which has its digest. It may be nil.
	Plan []byte
}

// Input is something named that a verdict rests on, by URI, digest or both.
type Input struct {
	Name   string
	URI    string
	Digest change.Digest
}

var digestPattern = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// validate refuses a record that could not be verified later.
func (r Record) validate() error {
	var errs []error
	for _, d := range []struct {
		name   string
		digest change.Digest
	}{{"change", r.ChangeDigest}, {"checks", r.ChecksDigest}, {"policy", r.PolicyDigest}} {
		if !digestPattern.MatchString(string(d.digest)) {
			errs = append(errs, fmt.Errorf("the %s digest %q is no SHA-256 digest", d.name, d.digest))
		}
	}
	for _, f := range []struct{ name, value string }{
		{"run id", r.RunID}, {"environment", r.Environment}, {"cluster name", r.ClusterName}, {"cluster UID", r.ClusterUID},
	} {
		if f.value == "" {
			errs = append(errs, fmt.Errorf("the %s is missing", f.name))
		}
	}
	if r.Finished.IsZero() {
		errs = append(errs, errors.New("the time is missing"))
	}
	if r.Decision.Verdict == gate.Pass && (len(r.Matrix.Edges) == 0 || r.Matrix.Grade != r.Grade || !r.Grade.Satisfies(reach.Modelled)) {
		errs = append(errs, errors.New("a pass needs edges, all found in the grade of the record"))
	}
	return errors.Join(errs...)
}

// tests sorts what was checked into passed, warned and failed. Edges go by their names,
// other findings by their rule alone: messages can quote what must stay secret.
func (r Record) tests() (passed, warned, failed []string) {
	worst := map[reach.Edge]gate.Verdict{}
	var general []gate.Finding
	for _, f := range r.Decision.Findings {
		if f.Edge == nil {
			general = append(general, f)
			continue
		}
		worst[*f.Edge] = gate.Worst(f.Verdict, verdictOr(worst, *f.Edge))
	}
	sort := func(name string, verdict gate.Verdict, noted bool) {
		switch {
		case verdict != gate.Pass:
			failed = append(failed, name)
		case noted:
			warned = append(warned, name)
		default:
			passed = append(passed, name)
		}
	}
	for _, e := range r.Matrix.Edges {
		_, noted := worst[e.Edge]
		sort(e.Edge.String(), verdictOr(worst, e.Edge), noted)
		delete(worst, e.Edge)
	}
	for _, f := range r.Decision.Findings { // edges without a result
		if f.Edge == nil {
			continue
		}
		if v, left := worst[*f.Edge]; left {
			sort(f.Edge.String(), v, true)
			delete(worst, *f.Edge)
		}
	}
	for _, f := range general {
		sort("rule "+f.Rule, f.Verdict, true)
	}
	return passed, warned, failed
}

func verdictOr(verdicts map[reach.Edge]gate.Verdict, e reach.Edge) gate.Verdict {
	if v, ok := verdicts[e]; ok {
		return v
	}
	return gate.Pass
}

// toolVersion is never empty, as the summary's verifier needs one.
func (r Record) toolVersion() string { return cmp.Or(r.ToolVersion, "unknown") }
