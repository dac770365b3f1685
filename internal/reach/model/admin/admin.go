// Package admin reads the cluster-wide policies of the Network Policy API.
// Semantics: https://network-policy-api.sigs.k8s.io/
package admin

import (
	"errors"
	"fmt"

	"github.com/stagegate/stagegate/internal/reach/model/decode"
	"github.com/stagegate/stagegate/internal/reach/model/policy"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// Group is the API group.
const Group = "policy.networking.k8s.io"

// Policies reads the policies of the admin and of the baseline tier. Policies of equal
// priority are taken by name, which the API leaves open.
func Policies(s *snapshot.Snapshot) (admin, baseline []*policy.Policy, err error) {
	admin, err1 := decode.Each(s.Kind(Group, "AdminNetworkPolicy"), parseAdmin)
	baseline, err2 := decode.Each(s.Kind(Group, "BaselineAdminNetworkPolicy"), parseBaseline)
	cluster, err3 := decode.Each(s.Kind(Group, "ClusterNetworkPolicy"), parseCluster)
	for _, p := range cluster {
		if p.tier == "Baseline" {
			baseline = append(baseline, p.policy)
		} else {
			admin = append(admin, p.policy)
		}
	}
	return admin, baseline, errors.Join(err1, err2, err3)
}

// rule is what both versions have in common.
type rule struct {
	action   string
	from, to []Peer
	ports    *policy.PortSet
}

func parseAdmin(o snapshot.Object, spec *Spec) (*policy.Policy, error) {
	return parse(o, spec, map[string]policy.Action{"Allow": policy.Allow, "Deny": policy.Deny, "Pass": policy.Pass})
}

func parseBaseline(o snapshot.Object, spec *Spec) (*policy.Policy, error) {
	spec.Priority = new(int32)
	return parse(o, spec, map[string]policy.Action{"Allow": policy.Allow, "Deny": policy.Deny})
}

func parse(o snapshot.Object, spec *Spec, actions map[string]policy.Action) (*policy.Policy, error) {
	var problems []error
	convert := func(direction string, rules []Rule) []rule {
		var out []rule
		for i, r := range rules {
			ports, err := adminPorts(fmt.Sprintf("spec.%s[%d].ports", direction, i), r.Ports)
			problems = append(problems, err)
			out = append(out, rule{r.Action, r.From, r.To, ports})
		}
		return out
	}
	ingress, egress := convert("ingress", spec.Ingress), convert("egress", spec.Egress)
	p, err := assemble(o, spec.Priority, spec.Subject, actions, ingress, egress)
	return p, errors.Join(append(problems, err)...)
}

// clusterPolicy is a ClusterNetworkPolicy and its tier.
type clusterPolicy struct {
	policy *policy.Policy
	tier   string
}

func parseCluster(o snapshot.Object, spec *ClusterSpec) (clusterPolicy, error) {
	var problems []error
	if spec.Tier != "Admin" && spec.Tier != "Baseline" {
		problems = append(problems, fmt.Errorf("spec.tier: %q is neither Admin nor Baseline", spec.Tier))
	}
	actions := map[string]policy.Action{"Accept": policy.Allow, "Deny": policy.Deny, "Pass": policy.Pass}
	convert := func(direction string, rules []ClusterRule) []rule {
		var out []rule
		for i, r := range rules {
			ports, err := clusterPorts(fmt.Sprintf("spec.%s[%d].protocols", direction, i), r.Protocols)
			problems = append(problems, err)
			out = append(out, rule{r.Action, r.From, r.To, ports})
		}
		return out
	}
	ingress, egress := convert("ingress", spec.Ingress), convert("egress", spec.Egress)
	p, err := assemble(o, spec.Priority, spec.Subject, actions, ingress, egress)
	return clusterPolicy{p, spec.Tier}, errors.Join(append(problems, err)...)
}

func assemble(o snapshot.Object, priority *int32, s Subject, actions map[string]policy.Action, ingress, egress []rule) (*policy.Policy, error) {
	if priority == nil || *priority < 0 || *priority > 1000 {
		return nil, errors.New("spec.priority: must be given, from 0 to 1000")
	}
	p := &policy.Policy{
		Name: o.GetKind() + " " + o.GetName(), Order: float64(*priority), Tie: o.GetName() + "/" + o.GetKind(),
		Governs: [2]bool{policy.Ingress: len(ingress) > 0, policy.Egress: len(egress) > 0},
	}
	var problems []error
	var err error
	p.Subject, err = subject(s)
	problems = append(problems, err)
	for i, r := range ingress {
		out, err := ingressRule(fmt.Sprintf("spec.ingress[%d]", i), i+1, r, actions)
		problems = append(problems, err)
		p.Rules[policy.Ingress] = append(p.Rules[policy.Ingress], out)
	}
	for i, r := range egress {
		out, err := egressRule(fmt.Sprintf("spec.egress[%d]", i), i+1, r, actions)
		problems = append(problems, err)
		p.Rules[policy.Egress] = append(p.Rules[policy.Egress], out)
	}
	return p, errors.Join(problems...)
}

func ingressRule(field string, number int, r rule, actions map[string]policy.Action) (policy.Rule, error) {
	if len(r.to) > 0 {
		return policy.Rule{}, fmt.Errorf("%s.to: an ingress rule has from", field)
	}
	action, err := actionOf(field, r.action, actions)
	if err != nil {
		return policy.Rule{}, err
	}
	peers, err := peersOf(field+".from", r.from, action, false)
	return policy.Rule{Action: action, Number: number, Source: peers, Destination: policy.Any{}, Ports: r.ports}, err
}

func egressRule(field string, number int, r rule, actions map[string]policy.Action) (policy.Rule, error) {
	if len(r.from) > 0 {
		return policy.Rule{}, fmt.Errorf("%s.from: an egress rule has to", field)
	}
	action, err := actionOf(field, r.action, actions)
	if err != nil {
		return policy.Rule{}, err
	}
	peers, err := peersOf(field+".to", r.to, action, true)
	return policy.Rule{Action: action, Number: number, Source: policy.Any{}, Destination: peers, Ports: r.ports}, err
}

func actionOf(field, name string, actions map[string]policy.Action) (policy.Action, error) {
	a, ok := actions[name]
	if !ok {
		return a, fmt.Errorf("%s.action: %q is not an action of this kind", field, name)
	}
	return a, nil
}
