package pipeline

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/gate"
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
			if b, ok := backend.(reporter); ok {
				b.Report(show(step))
			}
			set, err := backend.Plan(ctx, part, s.target, pending)
			if err != nil {
				return "", fmt.Errorf("planning %s %s: %w", part.Kind(), part.Name(), err)
			}
			if set.Summaries == nil {
				set.Summaries = []change.Summary{summarise(part, set)}
			}
			s.out.Plan.Join(set)
		}
		if err := s.env.Allow.Permits(s.out.Plan); err != nil {
			return "", err
		}
		s.findings.Failures = append(s.findings.Failures, s.out.Plan.Failures...)
		if err := s.comparePlans(); err != nil {
			return "", err
		}
		return summary(s.out.Plan), nil
	})
}

// reporter is a back end whose planning takes long enough to be told of.
type reporter interface{ Report(progress apply.Progress) }

// summarise is the summary of a part whose back end makes none: which objects it has.
func summarise(part change.Part, set change.Set) change.Summary {
	s := change.Summary{Part: part.Name(), Kind: part.Kind(), Items: make([]change.SummaryItem, 0, len(set.Items))}
	for _, i := range set.Items {
		s.Items = append(s.Items, change.SummaryItem{Address: i.Object.String(), Action: i.Action})
	}
	return s
}

// comparePlans holds the plan against those that were tested in the environments before.
func (s *session) comparePlans() error {
	for _, name := range s.env.Gate.After {
		tested, ok := s.tested[name]
		if !ok {
			continue
		}
		differences, remarks, err := comparePlans(name, tested, s.out.Plan.Summaries)
		if err != nil {
			return err
		}
		s.findings.PlanDifferences = append(s.findings.PlanDifferences, differences...)
		s.findings.PlanRemarks = append(s.findings.PlanRemarks, remarks...)
	}
	return nil
}

func comparePlans(name string, tested []byte, now []change.Summary) (differences, remarks []string, err error) {
	if tested == nil {
		return nil, nil, fmt.Errorf("the record of %s has no plan to compare with: stage the change again", name)
	}
	var then []change.Summary
	if err := json.Unmarshal(tested, &then); err != nil {
		return nil, nil, fmt.Errorf("reading the plan that was tested in %s: %w", name, err)
	}
	differences, remarks = gate.ComparePlans(then, now)
	return differences, remarks, nil
}

func summary(set change.Set) string {
	return fmt.Sprintf("%d to create, %d to update, %d to delete, %d unchanged",
		set.Count(change.Create), set.Count(change.Update), set.Count(change.Delete)+set.Count(change.Replace), set.Count(change.Keep))
}
