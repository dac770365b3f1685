package pipeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/journal"
	"github.com/stagegate/stagegate/internal/progress"
)

// apply carries out the parts in order, each recorded before it mutates anything. A part
// that fails is a finding, not an error: the change is blocked and taken back.
func (s *session) apply(ctx context.Context) error {
	return s.step(ctx, "apply", func(ctx context.Context, step *progress.Step) (string, error) {
		for i, part := range s.change.Parts {
			if err := s.applyPart(ctx, i, part, step); err != nil {
				if ctx.Err() != nil {
					return "", fmt.Errorf("applying %s %s: %w", part.Kind(), part.Name(), context.Cause(ctx))
				}
				return "failed: " + s.failed(i, part, err), nil
			}
		}
		s.applied = s.Now()
		return summary(s.out.Plan), nil
	})
}

// failed notes why the change could not be applied, or fails its own checks.
func (s *session) failed(i int, part change.Part, err error) string {
	var refused *apply.RefusedError
	var checks *apply.CheckError
	switch {
	case errors.As(err, &refused):
		s.findings.Failures = append(s.findings.Failures, refused.Failures...)
		s.out.Untouched = i == 0 // of the first part nothing was carried out, and so of none
	case errors.As(err, &checks):
		s.findings.Failures = append(s.findings.Failures, checks.Failures...)
	default:
		s.findings.ApplyFailed = fmt.Sprintf("%s %s: %v", part.Kind(), part.Name(), err)
		return s.findings.ApplyFailed
	}
	return err.Error()
}

func (s *session) applyPart(ctx context.Context, i int, part change.Part, step *progress.Step) error {
	backend, err := s.backend(part.Kind(), part.Name())
	if err != nil {
		return err
	}
	if err := s.lock.Held(ctx); err != nil {
		return err
	}
	record, err := s.newRecord(i, part)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("apply %s %s", part.Kind(), part.Name())
	if err := s.record(journal.Begin, name, s.env.Name, nil); err != nil {
		return err
	}
	if err := backend.Apply(ctx, part, s.target, record, show(step)); err != nil {
		return err
	}
	return s.record(journal.Done, name, s.env.Name, nil)
}

// show passes a back end's events on to a step's progress.
func show(step *progress.Step) apply.Progress {
	return func(e apply.Event) {
		if e.Step == apply.Noted {
			step.Update("%s", e.Detail)
			return
		}
		step.Update("%s %s %s", e.Step, e.Object, e.Detail)
	}
}

// commit makes an applied change final.
func (s *session) commit(ctx context.Context) error {
	for _, record := range s.records {
		backend, err := s.backend(record.Kind, record.Part)
		if err == nil {
			err = s.lock.Held(ctx)
		}
		if err != nil {
			return err
		}
		if err := backend.Commit(ctx, record); err != nil {
			return fmt.Errorf("committing %s %s: %w", record.Kind, record.Part, err)
		}
	}
	return nil
}

func (s *session) backend(kind change.Kind, part string) (apply.Backend, error) {
	backend, ok := s.backends[kind]
	if !ok {
		return nil, fmt.Errorf("%s: there is no way yet to apply a part of kind %s", part, kind)
	}
	return backend, nil
}
