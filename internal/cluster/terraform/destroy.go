package terraform

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/terraform"
)

// disposable is the provider of an environment that may be destroyed.
type disposable struct{ *Provider }

var (
	_ cluster.Provider  = (*disposable)(nil)
	_ cluster.Destroyer = (*disposable)(nil)
)

// Destroy destroys what stagegate made in this environment's state, and nothing else: with
// anything more in the state, nothing is touched.
func (p *disposable) Destroy(ctx context.Context, name string, progress cluster.Progress) error {
	if err := p.check(name); err != nil {
		return p.wrap(err)
	}
	r, err := p.record()
	if err == nil {
		err = p.destroy(ctx, name, r, progress)
	}
	if err != nil {
		return p.wrap(fmt.Errorf("destroying it: %w", err))
	}
	return nil
}

func (p *disposable) destroy(ctx context.Context, name string, r *record, progress cluster.Progress) error {
	config, err := p.made(r)
	if err != nil {
		return err
	}
	s, err := p.openWith(ctx, name, config, progress)
	if err != nil {
		return err
	}
	return errors.Join(s.destroy(ctx, r), s.close())
}

// made is the configuration that made the cluster; without a record, what there is now.
func (p *disposable) made(r *record) (*terraform.Config, error) {
	directory := p.options.Environment.Path(p.spec.Directory)
	if r == nil || r.Configuration == "" {
		return terraform.Read(directory)
	}
	return terraform.Kept(terraform.Directory(p.options.Home, p.options.Environment.Name, terraform.ClusterKey), r.Configuration, directory)
}

func (s *session) destroy(ctx context.Context, r *record) error {
	there, err := s.workspace.Addresses(ctx)
	if err != nil {
		return err
	}
	if len(there) == 0 {
		return s.forget()
	}
	if err := s.mayDestroy(ctx, r, there); err != nil {
		return err
	}
	plan, err := s.workspace.Plan(ctx, terraform.PlanOptions{Destroy: true})
	if err != nil {
		return err
	}
	for _, change := range plan.ResourceChanges {
		a := change.Change.Actions
		if change.Mode == tfjson.ManagedResourceMode && !a.Delete() && !a.NoOp() {
			return fmt.Errorf("the plan would not only delete, but change %s: look at the state yourself", change.Address)
		}
	}
	s.progress("destroying cluster %s: %d resources", s.name, len(there))
	if err := s.workspace.Apply(ctx, plan, func() error { return nil }); err != nil {
		return err
	}
	return s.forget()
}

// mayDestroy holds the state against the record.
func (s *session) mayDestroy(ctx context.Context, r *record, there []string) error {
	if r == nil || !r.Made {
		return errors.New("the cluster was not made by stagegate: destroy it with Terraform yourself")
	}
	state, err := s.workspace.State(ctx)
	if err != nil {
		return err
	}
	if r.Lineage != "" && r.Lineage != state.Lineage {
		return fmt.Errorf("the state (lineage %s) is another than the one in which stagegate made it (lineage %s): set the backend right", state.Lineage, r.Lineage)
	}
	if r.Making { // cut short: what was made could not all be noted
		return nil
	}
	var others []string
	for _, address := range there {
		if !slices.Contains(r.Resources, address) {
			others = append(others, address)
		}
	}
	if len(others) > 0 {
		return fmt.Errorf("the state has more than stagegate made (%s): take that out of the state, or destroy all of it with Terraform yourself", strings.Join(others, ", "))
	}
	return nil
}
