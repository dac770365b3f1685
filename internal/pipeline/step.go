package pipeline

import (
	"context"

	"github.com/stagegate/stagegate/internal/journal"
	"github.com/stagegate/stagegate/internal/progress"
	"github.com/stagegate/stagegate/internal/report"
)

// step runs one step of the pipeline, shows its progress, and notes how it ended.
func (s *session) step(ctx context.Context, name string, do func(context.Context, *progress.Step) (string, error)) error {
	if err := s.record(journal.Begin, name, s.env.Name, nil); err != nil {
		return err
	}
	started := s.Now()
	shown := s.Progress.Step(s.env.Name + ": " + name)
	detail, err := do(ctx, shown)
	done := report.Step{Name: name, Outcome: report.Done, Detail: detail, Duration: s.Now().Sub(started)}
	if err != nil {
		done.Outcome, done.Detail = report.Failed, err.Error()
		shown.Fail(err)
	} else {
		shown.Done(detail)
	}
	s.out.Steps = append(s.out.Steps, done)
	if err != nil {
		return err
	}
	return s.record(journal.Done, name, s.env.Name, nil)
}
