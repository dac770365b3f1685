// Package discover finds the edges to protect: what Ingresses, HTTPRoutes and Services
// publish, what workloads use inside the cluster, and what checks files declare.
package discover

import (
	"errors"
	"fmt"
	"slices"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// Edges returns the discovered and the declared edges of a cluster, sorted, each once.
// Where a declared check has the same edge as a discovered one, the check counts; patterns
// in Exclude leave out discovered edges alone. A check on something that does not exist is
// kept, for its outcome says so; an endpoint or pattern that cannot be read is an error.
//
// Sources are workloads, whose names outlast rollouts. Jobs and CronJobs are none: their
// pods come and go, which would look like lost edges.
func Edges(c *topology.Cluster, checks config.Checks) ([]reach.Expectation, error) {
	f := finder{cluster: c, found: map[reach.Edge]reach.Expectation{}}
	if checks.Discover.Ingresses {
		f.routes()
		f.publicServices()
	}
	switch checks.Discover.Services {
	case config.NoServices:
	case config.NamespaceServices, "":
		f.namespaceServices()
		f.mentionedServices()
	case config.AllServices:
		f.allServices()
	default:
		return nil, fmt.Errorf("discovering edges: unknown scope of services %q: use none, namespace or all", checks.Discover.Services)
	}
	if err := errors.Join(f.exclude(checks.Discover.Exclude), f.declare(checks.Checks)); err != nil {
		return nil, fmt.Errorf("discovering edges: %w", err)
	}
	return f.sorted(), nil
}

// finder collects expectations by their edges.
type finder struct {
	cluster *topology.Cluster
	found   map[reach.Edge]reach.Expectation
}

// add adds a discovered edge; the first source of equal ones is named.
func (f *finder) add(e reach.Edge, source string) {
	if _, ok := f.found[e]; !ok {
		f.found[e] = reach.Expectation{Edge: e, Source: source}
	}
}

// declare adds the checks, over what was discovered.
func (f *finder) declare(checks []config.Check) error {
	var errs []error
	for _, check := range checks {
		e, err := canonical(check.Edge)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: check %q: %w", check.Source, check.Name, err))
			continue
		}
		if twin, ok := f.found[e]; ok && twin.Want != reach.Unknown && twin.Want != check.Want {
			errs = append(errs, fmt.Errorf("%s: check %q expects %s, and check %q at %s expects %s of the same edge: remove one of the two",
				check.Source, check.Name, check.Want, twin.Name, twin.Source, twin.Want))
			continue
		}
		f.found[e] = reach.Expectation{Edge: e, Want: check.Want, Source: check.Source, Name: check.Name}
	}
	return errors.Join(errs...)
}

// canonical writes an edge as discovered edges are written, so that equal ones meet.
func canonical(e reach.Edge) (reach.Edge, error) {
	from, err := reach.ParseEndpoint(e.From)
	if err != nil {
		return e, err
	}
	to, err := reach.ParseEndpoint(e.To)
	if err != nil {
		return e, err
	}
	e.From, e.To = from.String(), to.String()
	return e, nil
}

func (f *finder) sorted() []reach.Expectation {
	out := make([]reach.Expectation, 0, len(f.found))
	for _, e := range f.found {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b reach.Expectation) int { return a.Compare(b.Edge) })
	return out
}
