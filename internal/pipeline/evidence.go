package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/evidence"
	"github.com/stagegate/stagegate/internal/progress"
	"github.com/stagegate/stagegate/internal/reach"
)

// attest writes the signed record of the decision, whatever it is.
func (s *session) attest(ctx context.Context) error {
	return s.step(ctx, "evidence", func(ctx context.Context, _ *progress.Step) (string, error) {
		plan, err := json.Marshal(s.out.Plan.Summaries)
		if err != nil {
			return "", fmt.Errorf("writing down the plan: %w", err)
		}
		id, err := s.Evidence.Write(ctx, evidence.Record{
			RunID: s.result.RunID, Environment: s.env.Name,
			ClusterName: s.env.ClusterName, ClusterUID: s.cluster.UID,
			ChangeName: s.change.Name, ChangeDigest: s.change.Digest(),
			ChecksDigest: s.checks.Digest(), PolicyDigest: s.env.Gate.Digest(),
			Grade: s.out.Grade, Decision: s.out.Decision, Matrix: s.findings.After,
			Started: s.result.Started, Finished: s.Now(), ToolVersion: s.Version,
			Inputs: s.inputs(), Plan: plan,
		})
		if err != nil {
			return "", err
		}
		s.out.Evidence = id
		return "signed " + change.Digest(id).Short(), nil
	})
}

// imaged is a prober that probes from pods of an image.
type imaged interface{ ProbeImage() string }

// inputs are what the decision rests on beside the plan.
func (s *session) inputs() []evidence.Input {
	var all []evidence.Input
	if s.journal != nil {
		all = append(all, evidence.Input{Name: "journal", Digest: s.journal.Head()})
	}
	if p, ok := s.prober.(imaged); ok {
		all = append(all, evidence.Input{Name: "probe-image", URI: "docker://" + p.ProbeImage()})
	}
	return all
}

// verifyEvidence holds that the change has passed everywhere that comes before here.
func (s *session) verifyEvidence(ctx context.Context) error {
	if len(s.env.Gate.After) == 0 {
		return nil
	}
	return s.step(ctx, "evidence of "+strings.Join(s.env.Gate.After, ", "), func(ctx context.Context, _ *progress.Step) (string, error) {
		var passed []string
		for _, name := range s.env.Gate.After {
			before, err := config.Find(s.Environments, name)
			if err != nil {
				return "", err
			}
			record, err := s.passed(ctx, before, s.env)
			if err != nil {
				return "", err
			}
			if err := s.readTested(name, record.ID); err != nil {
				return "", err
			}
			passed = append(passed, fmt.Sprintf("passed in %s %s ago (%s)",
				name, s.Now().Sub(record.Time).Round(time.Second), change.Digest(record.ID).Short()))
		}
		return strings.Join(passed, "; "), nil
	})
}

// readTested reads the plan that an environment's evidence is about.
func (s *session) readTested(name, id string) error {
	plan, err := s.Evidence.Plan(id)
	if err != nil {
		return err
	}
	if s.tested == nil {
		s.tested = map[string][]byte{}
	}
	s.tested[name] = plan
	return nil
}

// passed finds the newest record of the change in an environment that comes before
// another, and verifies it. The later environment's policy bounds its age, and asks for
// its own grade.
func (r *run) passed(ctx context.Context, before, env *config.Environment) (evidence.Entry, error) {
	records, err := r.Evidence.Find(r.change.Digest(), before.Name)
	if err != nil {
		return evidence.Entry{}, err
	}
	if len(records) == 0 {
		return evidence.Entry{}, fmt.Errorf("there is no evidence of %s: run stagegate stage first", before.Name)
	}
	return records[0], r.verify(ctx, records[0].ID, r.change.Digest(), before, r.clusters[before.Name].cluster, asked(env))
}

// demands are what a later environment asks of evidence.
type demands struct {
	maxAge time.Duration
	grade  reach.Grade
}

func asked(env *config.Environment) demands {
	return demands{env.Gate.MaxEvidenceAge, env.Gate.MinimumGrade}
}

// verify holds that a record is about this change in this environment, as it is now, and
// good enough for another.
func (r *Runner) verify(ctx context.Context, id string, digest change.Digest, env *config.Environment, up *cluster.Cluster, d demands) error {
	checks, err := env.LoadChecks()
	if err != nil {
		return err
	}
	return r.Evidence.Verify(ctx, id, evidence.Expected{
		Environment: env.Name, ClusterName: env.ClusterName, ClusterUID: up.UID,
		ChangeDigest: digest, PolicyDigest: env.Gate.Digest(), ChecksDigest: checks.Digest(),
		MinimumGrade: env.Gate.MinimumGrade.Stricter(d.grade), MaxAge: d.maxAge, Now: r.Now(),
	})
}
