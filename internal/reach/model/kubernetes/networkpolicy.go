// Package kubernetes reads NetworkPolicy objects of networking.k8s.io/v1.
// Semantics: https://kubernetes.io/docs/concepts/services-networking/network-policies/
package kubernetes

import (
	"errors"
	"fmt"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/stagegate/stagegate/internal/reach/model/decode"
	"github.com/stagegate/stagegate/internal/reach/model/policy"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// Group is the API group.
const Group = "networking.k8s.io"

// order is where Calico puts NetworkPolicy among the policies of its default tier; without
// Calico policies it makes no difference.
const order = 1000

// Policies reads every NetworkPolicy of a snapshot. The error names each object and field
// that cannot be understood.
func Policies(s *snapshot.Snapshot) ([]*policy.Policy, error) {
	return decode.Each(s.Kind(Group, "NetworkPolicy"), parse)
}

func parse(o snapshot.Object, spec *networkingv1.NetworkPolicySpec) (*policy.Policy, error) {
	namespace, name := o.GetNamespace(), o.GetName()
	pods, err := decode.Selector("spec.podSelector", &spec.PodSelector)
	p := &policy.Policy{
		Name: "NetworkPolicy " + namespace + "/" + name, Order: order,
		Tie:        name + "/" + namespace + "/Kubernetes",
		Subject:    policy.Pods{InNamespace: namespace, Pods: pods},
		SparesNode: true,
	}
	problems := []error{err, governs(p, spec)}
	for i, r := range spec.Ingress {
		peers, ports := side(namespace, fmt.Sprintf("spec.ingress[%d]", i), "from", r.From, r.Ports, &problems)
		p.Rules[policy.Ingress] = append(p.Rules[policy.Ingress], policy.Rule{
			Action: policy.Allow, Number: i + 1, Source: peers, Destination: policy.Any{}, Ports: ports,
		})
	}
	for i, r := range spec.Egress {
		peers, ports := side(namespace, fmt.Sprintf("spec.egress[%d]", i), "to", r.To, r.Ports, &problems)
		p.Rules[policy.Egress] = append(p.Rules[policy.Egress], policy.Rule{
			Action: policy.Allow, Number: i + 1, Source: policy.Any{}, Destination: peers, Ports: ports,
		})
	}
	return p, errors.Join(problems...)
}

// governs sets the directions. Where policyTypes is not given it is Ingress, and Egress
// too if there are egress rules.
func governs(p *policy.Policy, spec *networkingv1.NetworkPolicySpec) error {
	for _, t := range spec.PolicyTypes {
		if t != networkingv1.PolicyTypeIngress && t != networkingv1.PolicyTypeEgress {
			return fmt.Errorf("spec.policyTypes: %q is neither Ingress nor Egress", t)
		}
	}
	none := len(spec.PolicyTypes) == 0
	p.Governs[policy.Ingress] = none || slices.Contains(spec.PolicyTypes, networkingv1.PolicyTypeIngress)
	p.Governs[policy.Egress] = slices.Contains(spec.PolicyTypes, networkingv1.PolicyTypeEgress) ||
		none && len(spec.Egress) > 0
	return nil
}

func side(namespace, field, name string, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort, problems *[]error) (policy.Expr, *policy.PortSet) {
	var from policy.Expr = policy.Any{}
	if len(peers) > 0 {
		or := policy.Or{}
		for i, p := range peers {
			e, err := peer(namespace, fmt.Sprintf("%s.%s[%d]", field, name, i), p)
			*problems = append(*problems, err)
			or = append(or, e)
		}
		from = or
	}
	set, err := portSet(field+".ports", ports)
	*problems = append(*problems, err)
	return from, set
}
