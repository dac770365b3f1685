// Package calico reads Calico's policies, of both of its API groups.
// Semantics: https://docs.tigera.io/calico/latest/network-policy/policy-tiers/tiered-policy
// and, where the documentation is silent, Felix's sources.
package calico

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/reach/model/decode"
	"github.com/stagegate/stagegate/internal/reach/model/policy"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// The API groups: what is stored, and what calicoctl and Calico's API server show.
const (
	StoredGroup = "crd.projectcalico.org"
	ServedGroup = "projectcalico.org"
)

// DefaultTier is the tier of policies that name none. It always exists.
const DefaultTier = "default"

// Result is what was read.
type Result struct {
	Tiers []*policy.Tier // the default tier always among them
	Notes []string       // policies without effect on pods, and why
}

// Policies reads every Calico policy of a snapshot.
func Policies(s *snapshot.Snapshot) (Result, error) {
	tiers, err := readTiers(s)
	problems := []error{err}
	sets, err := readSets(s)
	problems = append(problems, err)
	var policies []placed
	for _, kind := range []string{"GlobalNetworkPolicy", "NetworkPolicy"} {
		of, err := decode.Each(objects(s, kind), func(o snapshot.Object, spec *PolicySpec) (placed, error) { return read(o, spec, sets) })
		problems = append(problems, err)
		policies = append(policies, of...)
	}
	if err := errors.Join(problems...); err != nil {
		return Result{}, err
	}
	var out Result
	for _, p := range policies {
		out.place(p, tiers)
	}
	for _, o := range objects(s, "HostEndpoint") {
		out.Notes = append(out.Notes, fmt.Sprintf("HostEndpoint %s: policies for nodes are not modelled, so host-network pods count as unrestricted", o.GetName()))
	}
	out.Tiers = slices.SortedFunc(maps.Values(tiers), func(a, b *policy.Tier) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// place puts a policy into its tier. Felix ignores the policies of a tier that does not exist.
func (r *Result) place(p placed, tiers map[string]*policy.Tier) {
	r.Notes = append(r.Notes, p.notes...)
	if p.policy == nil {
		return
	}
	t, ok := tiers[p.tier]
	if !ok {
		r.Notes = append(r.Notes, fmt.Sprintf("%s has no effect: there is no tier %s (there are: %s)",
			p.policy.Name, p.tier, strings.Join(slices.Sorted(maps.Keys(tiers)), ", ")))
		return
	}
	t.Policies = append(t.Policies, p.policy)
}

// objects are the objects of a kind in either group. One that is seen through both groups
// counts once: as the change under test has it, else as it is served.
func objects(s *snapshot.Snapshot, kind string) []snapshot.Object {
	out := s.Kind(ServedGroup, kind)
	at := map[[2]string]int{}
	for i, o := range out {
		at[[2]string{o.GetNamespace(), bareName(o)}] = i
	}
	for _, o := range s.Kind(StoredGroup, kind) {
		i, twin := at[[2]string{o.GetNamespace(), bareName(o)}]
		switch {
		case !twin:
			out = append(out, o)
		case o.Source != "" && out[i].Source == "":
			out[i] = o
		}
	}
	return out
}

// bareName is the name without the "TIER." that stored policies may have in front.
func bareName(o snapshot.Object) string {
	tier := DefaultTier
	if spec, ok := o.Object["spec"].(map[string]any); ok {
		if t, ok := spec["tier"].(string); ok && t != "" {
			tier = t
		}
	}
	return strings.TrimPrefix(o.GetName(), tier+".")
}

func readTiers(s *snapshot.Snapshot) (map[string]*policy.Tier, error) {
	out := map[string]*policy.Tier{DefaultTier: {Name: DefaultTier, Order: policy.DefaultOrder}}
	var problems []error
	for _, o := range objects(s, "Tier") {
		t, err := readTier(o)
		problems = append(problems, decode.In(o, err))
		out[o.GetName()] = t
	}
	return out, errors.Join(problems...)
}

func readTier(o snapshot.Object) (*policy.Tier, error) {
	var spec TierSpec
	if err := decode.Spec(o, &spec); err != nil {
		return nil, err
	}
	t := &policy.Tier{Name: o.GetName(), Order: policy.Unordered()}
	if spec.Order != nil {
		t.Order = *spec.Order
	}
	if o.GetName() == DefaultTier {
		t.Order = policy.DefaultOrder
	}
	switch spec.DefaultAction {
	case "", "Deny":
	case "Pass":
		t.PassAtEnd = true
	default:
		return nil, fmt.Errorf("spec.defaultAction: %q is neither Deny nor Pass", spec.DefaultAction)
	}
	return t, nil
}
