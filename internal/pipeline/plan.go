package pipeline

import (
	"context"
	"fmt"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/progress"
)

// plan finds out, with server-side dry runs, what the change would do here.
func (s *session) plan(ctx context.Context) error {
	return s.step(ctx, "plan", func(ctx context.Context, step *progress.Step) (string, error) {
		pending := apply.NewPending()
		for _, part := range s.change.Parts {
			step.Update("%s", part.Name())
			backend, err := s.backend(part.Kind(), part.Name())
			if err != nil {
				return "", err
			}
			set, err := backend.Plan(ctx, part, s.target, pending)
			if err != nil {
				return "", fmt.Errorf("planning %s %s: %w", part.Kind(), part.Name(), err)
			}
			s.out.Plan.Items = append(s.out.Plan.Items, set.Items...)
		}
		if err := s.env.Allow.Permits(s.out.Plan); err != nil {
			return "", err
		}
		return summary(s.out.Plan), nil
	})
}

func summary(set change.Set) string {
	return fmt.Sprintf("%d to create, %d to update, %d to delete, %d unchanged",
		set.Count(change.Create), set.Count(change.Update), set.Count(change.Delete)+set.Count(change.Replace), set.Count(change.Keep))
}
