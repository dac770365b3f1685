// Package unmodelled knows kinds of network policy whose rules are not evaluated, and to
// which pods they apply. What such a policy may decide is neither reachable nor
// unreachable: it is an error, since only packets can tell.
package unmodelled

import (
	"fmt"
	"math"

	"github.com/stagegate/stagegate/internal/reach/model/policy"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// kind is one kind of policy.
type kind struct {
	group, kind string
	// grants is true where a rule may also let through what other policies deny.
	grants bool
	// read finds out what an object may decide. Where that is in doubt it is more.
	read func(snapshot.Object) scope
}

// scope is what an object may decide.
type scope struct {
	subject policy.Expr // the pods it applies to; nil: none
	governs [2]bool     // by policy.Direction
	others  policy.Expr // the other ends; nil: all
}

func kinds() []kind {
	return []kind{
		{"cilium.io", "CiliumNetworkPolicy", true, cilium},
		{"cilium.io", "CiliumClusterwideNetworkPolicy", true, cilium},
		{"crd.antrea.io", "NetworkPolicy", true, antrea},
		{"crd.antrea.io", "ClusterNetworkPolicy", true, antrea},
		{"security.istio.io", "AuthorizationPolicy", false, istioAuthorization},
		{"security.istio.io", "PeerAuthentication", false, istioPeers},
		{"policy.linkerd.io", "Server", false, linkerd},
		{"k8s.ovn.org", "EgressFirewall", false, egressFirewall},
		{"network.openshift.io", "EgressNetworkPolicy", false, egressFirewall},
		{"vpcresources.k8s.aws", "SecurityGroupPolicy", false, securityGroups},
	}
}

// Kinds are the kinds that are known, by their API group.
func Kinds() map[string][]string {
	out := map[string][]string{}
	for _, k := range kinds() {
		out[k.group] = append(out[k.group], k.kind)
	}
	return out
}

// Tier has the policies of a snapshot that are not modelled, and notes about them. It
// comes before all other tiers, as some of these policies let through what those deny.
func Tier(s *snapshot.Snapshot) (*policy.Tier, []string) {
	tier := &policy.Tier{Name: "unmodelled", Order: math.Inf(-1), PassAtEnd: true}
	var notes []string
	for _, k := range kinds() {
		objects := s.Kind(k.group, k.kind)
		for _, o := range objects {
			if where := k.read(o); where.subject != nil {
				tier.Policies = append(tier.Policies, k.policy(o, where))
			}
		}
		if len(objects) > 0 {
			notes = append(notes, fmt.Sprintf("%s.%s is not modelled (%d there): what one of them may decide is an error; only live probes can tell",
				k.kind, k.group, len(objects)))
		}
	}
	return tier, notes
}

// policy is an object as a policy with rules that may or may not match.
func (k kind) policy(o snapshot.Object, where scope) *policy.Policy {
	name := k.kind + " " + o.GetName()
	if o.GetNamespace() != "" {
		name = k.kind + " " + o.GetNamespace() + "/" + o.GetName()
	}
	p := &policy.Policy{Name: name, Tie: name, Subject: where.subject, Governs: where.governs, Unmodelled: true}
	others := policy.And{policy.Fixed{Tri: policy.Maybe}}
	if where.others != nil {
		others = append(others, where.others)
	}
	actions := []policy.Action{policy.Deny}
	if k.grants {
		actions = []policy.Action{policy.Allow, policy.Deny}
	}
	for i, action := range actions {
		rule := policy.Rule{Action: action, Number: i + 1, Source: policy.Any{}, Destination: policy.Any{}, Ports: &policy.PortSet{}}
		in, out := rule, rule
		in.Source, out.Destination = others, others
		p.Rules[policy.Ingress] = append(p.Rules[policy.Ingress], in)
		p.Rules[policy.Egress] = append(p.Rules[policy.Egress], out)
	}
	return p
}
