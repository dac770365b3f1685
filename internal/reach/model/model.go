// Package model evaluates reachability without sending a packet: Kubernetes
// NetworkPolicy, the Network Policy API's AdminNetworkPolicy, BaselineAdminNetworkPolicy
// and ClusterNetworkPolicy, and Calico's policies, over the pods, Services and routes of a
// topology. What policies of other kinds may decide is an error (package unmodelled).
//
// Every policy of the snapshot counts as in force, whether or not something that enforces
// it is known to run: the change under test may be what installs the engine.
//
// Policies are brought into one form (package policy) and evaluated first match first, in
// tiers: admin, then NetworkPolicy and Calico's default tier, then baseline, with Calico's
// own tiers between them by their order. Pods that no policy can tell apart are evaluated
// once, as a class.
package model

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/stagegate/stagegate/internal/reach/model/admin"
	"github.com/stagegate/stagegate/internal/reach/model/calico"
	"github.com/stagegate/stagegate/internal/reach/model/kubernetes"
	"github.com/stagegate/stagegate/internal/reach/model/policy"
	"github.com/stagegate/stagegate/internal/reach/model/unmodelled"
	"github.com/stagegate/stagegate/internal/reach/topology"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// Model answers questions about one cluster. It is safe for concurrent use.
type Model struct {
	mu       sync.Mutex // guards everything that is found on demand
	cluster  *topology.Cluster
	program  *program
	classes  *classes
	index    *index
	memo     map[flowKey]verdict
	targets  map[targetKey]*target
	chains   map[string]*chain
	notes    []string
	accounts map[[2]string]map[string]string // labels of service accounts
}

// New reads every policy of the snapshot. Its error names each object (with its place) and
// field that cannot be understood. Policies of the kinds that package unmodelled knows are
// not read further than to which pods they apply; kinds that nothing here knows are not seen.
func New(s *snapshot.Snapshot, c *topology.Cluster) (*Model, error) {
	tiers, notes, err := read(s)
	if err != nil {
		return nil, fmt.Errorf("reading network policies: %w", err)
	}
	m := &Model{
		cluster: c, notes: slices.Concat(notes, c.Notes, c.Problems), accounts: map[[2]string]map[string]string{},
		memo: map[flowKey]verdict{}, targets: map[targetKey]*target{}, chains: map[string]*chain{},
	}
	for _, o := range s.Kind("", "ServiceAccount") {
		m.accounts[[2]string{o.GetNamespace(), o.GetName()}] = o.GetLabels()
	}
	m.program = compile(tiers)
	m.classes = classify(c, m.program, m.accounts)
	m.index = newIndex(s, c)
	return m, nil
}

// Notes are what a reader of the results should know: policies that have no effect on
// pods, and objects that could not be read.
func (m *Model) Notes() []string { return m.notes }

func read(s *snapshot.Snapshot) ([]*policy.Tier, []string, error) {
	networkPolicies, err1 := kubernetes.Policies(s)
	adminTier, baseline, err2 := admin.Policies(s)
	custom, err3 := calico.Policies(s)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, nil, err
	}
	others, notes := unmodelled.Tier(s)
	tiers := append(slices.Clone(custom.Tiers), others,
		&policy.Tier{Name: "admin", Order: policy.AdminOrder, PassAtEnd: true, Policies: adminTier},
		&policy.Tier{Name: "baseline", Order: policy.BaselineOrder, PassAtEnd: true, Policies: baseline})
	for _, t := range tiers {
		if t.Name == calico.DefaultTier {
			t.Policies = append(t.Policies, networkPolicies...)
		}
	}
	policy.Sort(tiers)
	return tiers, append(custom.Notes, notes...), nil
}
