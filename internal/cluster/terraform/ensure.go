package terraform

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/terraform"
)

func (s *session) ensure(ctx context.Context, keep bool) (*cluster.Cluster, error) {
	there, err := s.workspace.Addresses(ctx)
	if err != nil {
		return nil, err
	}
	r, err := s.record()
	if err != nil {
		return nil, err
	}
	switch {
	case r != nil && r.Making && len(there) > 0:
		s.progress("going on with cluster %s, which was left half-made", s.name)
		return s.create(ctx, *r)
	case len(there) > 0:
		return s.find(ctx, r)
	case r != nil && !r.Making:
		return nil, fmt.Errorf("the state is empty, though the cluster (UID %s) was there: see what became of the state; if the cluster is really gone, remove %s", r.UID, s.recordFile())
	case !keep && s.options.Environment.IsProduction():
		return nil, fmt.Errorf("there is no cluster yet, and one of production is made only when it is asked for: see that the state is the right one, then run stagegate env up --cluster-name %s", s.name)
	}
	return s.make(ctx)
}

// find connects to a cluster that the state has.
func (s *session) find(ctx context.Context, r *record) (*cluster.Cluster, error) {
	if r == nil { // made by someone else, or from elsewhere
		state, err := s.workspace.State(ctx)
		if err != nil {
			return nil, err
		}
		r = &record{Lineage: state.Lineage}
	}
	return s.connect(ctx, r, answerWait)
}

// make makes a cluster where the state has nothing.
func (s *session) make(ctx context.Context) (*cluster.Cluster, error) {
	before, err := s.workspace.State(ctx)
	if err != nil {
		return nil, err
	}
	return s.create(ctx, record{Made: true, Lineage: before.Lineage})
}

// create plans and applies. What the plan is for is written down before anything is made,
// and what was made afterwards, whether or not all of it was.
func (s *session) create(ctx context.Context, r record) (*cluster.Cluster, error) {
	plan, err := s.plan(ctx, r.Making)
	if err != nil {
		return nil, err
	}
	if err := s.config.Keep(s.workspace.Dir()); err != nil {
		return nil, fmt.Errorf("keeping the configuration: %w", err)
	}
	r.Making, r.Configuration = true, s.config.Digest()
	err = s.workspace.Apply(ctx, plan, func() error { return s.note(r) })
	var errored *terraform.ErroredError
	if !errors.As(err, &errored) { // else the state does not have what was made
		err = errors.Join(err, s.noteMade(context.WithoutCancel(ctx), &r, err == nil))
	}
	if err != nil {
		return nil, fmt.Errorf("making it: %w", err)
	}
	return s.connect(ctx, &r, createWait)
}

// noteMade notes what the state has now. A half-made cluster of which nothing is there is
// forgotten.
func (s *session) noteMade(ctx context.Context, r *record, complete bool) error {
	var err error
	if r.Resources, err = s.workspace.Addresses(ctx); err != nil {
		return err
	}
	if !complete && len(r.Resources) == 0 {
		return s.forget()
	}
	state, err := s.workspace.State(ctx)
	if err != nil {
		return err
	}
	r.Lineage, r.Making = state.Lineage, !complete
	return s.note(*r)
}

// plan plans the cluster, and refuses a plan that would do anything but make one with the
// outputs that are needed to reach it.
func (s *session) plan(ctx context.Context, goingOn bool) (*terraform.Plan, error) {
	plan, err := s.workspace.Plan(ctx, terraform.PlanOptions{})
	if err != nil {
		return nil, fmt.Errorf("planning it: %w", err)
	}
	var creates int
	var others []string
	for _, r := range plan.ResourceChanges {
		switch a := r.Change.Actions; {
		case r.Mode != tfjson.ManagedResourceMode, a.NoOp():
		case a.Create(), goingOn && a.Replace(): // what failed halfway is made anew
			creates++
		default:
			others = append(others, r.Address)
		}
	}
	if len(others) > 0 {
		return nil, fmt.Errorf("making it would change or delete what is there (%s): look at the state, and apply or repair it yourself", strings.Join(others, ", "))
	}
	declared := map[string]bool{}
	for name := range plan.OutputChanges {
		declared[name] = true
	}
	if err := s.missing(declared); err != nil {
		return nil, err
	}
	s.progress("making cluster %s: %d resources", s.name, creates)
	return plan, nil
}

// connect reads the outputs, and waits for the API.
func (s *session) connect(ctx context.Context, r *record, wait time.Duration) (*cluster.Cluster, error) {
	if err := s.writeKubeconfig(ctx); err != nil {
		return nil, err
	}
	rest, err := s.restConfig()
	if err != nil {
		return nil, err
	}
	s.progress("waiting for the API at %s", rest.Host)
	id, err := identify(ctx, rest, wait)
	if err != nil {
		return nil, fmt.Errorf("its API at %s does not answer as it should: %w", rest.Host, err)
	}
	if err := r.recognise(id.UID); err != nil {
		return nil, err
	}
	r.UID = id.UID
	if err := s.note(*r); err != nil {
		return nil, err
	}
	return &cluster.Cluster{
		Name: s.name, Provider: "terraform", UID: id.UID, Version: id.Version,
		Kubeconfig: s.kubeconfigFile(), REST: rest, Best: reach.Live,
		// Not disposable: what costs money and minutes to make goes only when a person asks.
		Release: func(context.Context) error { return nil }, // it goes on
	}, nil
}
