package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/validate"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/progress"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/report"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// Check models what the change would do to reachability in a state that was read before,
// and mutates nothing. A check certifies nothing: its grade is always modelled.
type Check struct {
	Environment *config.Environment // its variables, checks and policy
	State       *snapshot.Snapshot
	// StateName says where the state comes from, for the report.
	StateName string
	Target    change.Target
	// Inspectors look at parts that cannot be rendered.
	Inspectors map[change.Kind]change.Inspector
}

// Check runs a check and returns its result.
func (r *Runner) Check(ctx context.Context, c Check, ch *change.Change) (*report.Result, error) {
	result := &report.Result{Command: "check", Started: r.Now().UTC(), Change: Describe(ch)}
	out, err := r.check(ctx, c, ch)
	if err != nil {
		return nil, err
	}
	result.Environments = []report.Environment{*out}
	result.Verdict = out.Decision.Verdict
	result.Duration = r.Now().Sub(result.Started)
	result.ExitCode = exitCode(result, false, func(string) bool { return false })
	result.Next = nextSteps(result, nil)
	return result, nil
}

func (r *Runner) check(ctx context.Context, c Check, ch *change.Change) (*report.Environment, error) {
	c.Target.Known = c.State
	run := &run{Runner: r, change: ch, result: &report.Result{}}
	s := &session{run: run, env: c.Environment, target: c.Target, out: &report.Environment{
		Name: c.Environment.Name, ClusterName: c.Environment.ClusterName, Untouched: true,
	}}
	checks, err := c.Environment.LoadChecks()
	if err != nil {
		return nil, err
	}
	var found *change.Inspection
	err = s.step(ctx, "render", func(ctx context.Context, _ *progress.Step) (string, error) {
		found, err = inspect(ctx, ch, c)
		if err != nil {
			return "", err
		}
		return counted(len(found.Objects), "object"), nil
	})
	if err != nil {
		return nil, err
	}
	s.out.Plan = apply.PlanOffline(c.State, ch.Name, found.Objects)
	s.out.Plan.Items = append(s.out.Plan.Items, found.Items...)
	err = s.step(ctx, "model", func(ctx context.Context, _ *progress.Step) (string, error) {
		return s.modelDifference(ctx, c, checks, found)
	})
	if err != nil {
		return nil, err
	}
	policy := c.Environment.Gate
	policy.MinimumGrade = reach.Modelled
	s.env = &config.Environment{Name: c.Environment.Name, Gate: policy}
	s.decide()
	return s.out, nil
}

// modelDifference evaluates the state without and with the change. Both times what runs
// is derived alike, so that the change alone makes the difference.
func (s *session) modelDifference(ctx context.Context, c Check, checks config.Checks, found *change.Inspection) (string, error) {
	before, baseline, err := Model(ctx, c.State.Overlay(), checks)
	if err != nil {
		return "", fmt.Errorf("modelling %s: %w", c.StateName, err)
	}
	baseline = withoutNewcomers(baseline, s.out.Plan)
	after, matrix, err := Model(ctx, c.State.Without(found.Removed...).Overlay(found.Objects...), checks)
	if err != nil {
		return "", fmt.Errorf("modelling %s with the change: %w", c.StateName, err)
	}
	s.findings = gate.Findings{
		Expectations: merge(before, after), Baseline: baseline, After: matrix,
		Failures: found.Refused, Unclear: found.Unclear, Remarks: found.Remarks,
	}
	s.out.Baseline, s.out.Grade = baseline, matrix.Grade
	return fmt.Sprintf("%s: %s; %s", c.StateName, counted(c.State.Len(), "object"), tally(matrix)), nil
}

// inspect renders the parts of the change, looks at those that cannot be rendered, and
// validates the objects that come out.
func inspect(ctx context.Context, ch *change.Change, c Check) (*change.Inspection, error) {
	all := &change.Inspection{}
	for _, part := range ch.Parts {
		found, err := inspectPart(ctx, part, c)
		if err != nil {
			return nil, err
		}
		all.Join(found)
	}
	if _, err := snapshot.New(all.Objects...); err != nil {
		return nil, err
	}
	wrong := append(validate.Objects(all.Objects, c.State), validate.Namespaces(all.Objects, c.State)...)
	return all, errors.Join(wrong...)
}

// renderWhole renders a part, with the namespace that it would make.
func renderWhole(ctx context.Context, part change.Part, c Check) ([]snapshot.Object, error) {
	objects, err := renderPart(ctx, part, c.Target)
	release, ok := part.(change.Released)
	if err != nil || !ok || release.Namespace() == metav1.NamespaceDefault {
		return objects, err
	}
	key := snapshot.Key{Kind: "Namespace", Name: release.Namespace()}
	if _, exists := c.State.Overlay(objects...).Get(key); exists {
		return objects, nil
	}
	made := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": key.Kind, "metadata": map[string]any{"name": key.Name}}}
	return append([]snapshot.Object{{Unstructured: made, Source: part.Name()}}, objects...), nil
}

func inspectPart(ctx context.Context, part change.Part, c Check) (*change.Inspection, error) {
	inspector, ok := c.Inspectors[part.Kind()]
	if !ok {
		found := &change.Inspection{}
		c.Target.Unanswered = func(question string) {
			found.Unclear = append(found.Unclear, fmt.Sprintf("%s %s asks the cluster while it is rendered (%s), and a check does not answer: what is applied may differ from what was modelled: use stagegate stage",
				part.Kind(), part.Name(), question))
		}
		var err error
		found.Objects, err = renderWhole(ctx, part, c)
		slices.Sort(found.Unclear)
		found.Unclear = slices.Compact(found.Unclear)
		return found, err
	}
	found, err := inspector(ctx, part, c.Target)
	if err != nil {
		return nil, fmt.Errorf("inspecting %s %s: %w", part.Kind(), part.Name(), err)
	}
	return found, nil
}
