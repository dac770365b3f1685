package model_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/reach/model"
)

// What could change a decision and is not understood is refused, with object and field.
func TestRefused(t *testing.T) {
	np := func(spec string) string {
		return "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: x}\nspec: {" + spec + "}"
	}
	for _, c := range []struct{ document, want string }{
		{"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: x}", "NetworkPolicy.networking.k8s.io x/p: spec is missing"},
		{np(`podSelectors: {}`), `NetworkPolicy.networking.k8s.io x/p: spec: unknown field "podSelectors": this version does not know what it does, so it cannot evaluate the policy`},
		{np(`podSelector: {matchExpressions: [{key: a, operator: Like}]}`), `NetworkPolicy.networking.k8s.io x/p: spec.podSelector: "Like" is not a valid label selector operator`},
		{np(`podSelector: {}, policyTypes: [Inbound]`), `NetworkPolicy.networking.k8s.io x/p: spec.policyTypes: "Inbound" is neither Ingress nor Egress`},
		{np(`podSelector: {}, ingress: [{from: [{}]}]`), `NetworkPolicy.networking.k8s.io x/p: spec.ingress[0].from[0]: needs podSelector, namespaceSelector or ipBlock`},
		{np(`podSelector: {}, ingress: [{from: [{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}]}]`), `NetworkPolicy.networking.k8s.io x/p: spec.ingress[0].from[0]: ipBlock may not stand with podSelector or namespaceSelector: write two peers`},
		{np(`podSelector: {}, egress: [{to: [{ipBlock: {cidr: 10.0.0/8}}]}]`), `NetworkPolicy.networking.k8s.io x/p: spec.egress[0].to[0].ipBlock.cidr: "10.0.0/8" is not a CIDR such as 10.0.0.0/8`},
		{np(`podSelector: {}, egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/8]}}]}]`), `NetworkPolicy.networking.k8s.io x/p: spec.egress[0].to[0].ipBlock.except[0]: 11.0.0.0/8 is not strictly within 10.0.0.0/8`},
		{np(`podSelector: {}, ingress: [{ports: [{port: 90, endPort: 80}]}]`), `NetworkPolicy.networking.k8s.io x/p: spec.ingress[0].ports[0]: ports 90 to 80 are not a range within 1 to 65535`},
		{np(`podSelector: {}, ingress: [{ports: [{port: http, endPort: 80}]}]`), `NetworkPolicy.networking.k8s.io x/p: spec.ingress[0].ports[0].endPort: may not stand with the port name "http"`},
		{np(`podSelector: {}, ingress: [{ports: [{endPort: 80}]}]`), `NetworkPolicy.networking.k8s.io x/p: spec.ingress[0].ports[0].endPort: needs port`},
		{np(`podSelector: {}, ingress: [{ports: [{protocol: ICMP}]}]`), `NetworkPolicy.networking.k8s.io x/p: spec.ingress[0].ports[0].protocol: "ICMP" is none of TCP, UDP and SCTP`},
		{anp("p", 1001, ``), `AdminNetworkPolicy.policy.networking.k8s.io p: spec.priority: must be given, from 0 to 1000`},
		{anp("p", 1, `ingress: [{action: Accept, `+fromY+`}]`), `AdminNetworkPolicy.policy.networking.k8s.io p: spec.ingress[0].action: "Accept" is not an action of this kind`},
		{anp("p", 1, `ingress: [{action: Deny, from: []}]`), `AdminNetworkPolicy.policy.networking.k8s.io p: spec.ingress[0].from: needs at least one peer`},
		{anp("p", 1, `ingress: [{action: Deny, from: [{}]}]`), `AdminNetworkPolicy.policy.networking.k8s.io p: spec.ingress[0].from[0]: needs exactly one kind of peer, has 0`},
		{anp("p", 1, `ingress: [{action: Deny, from: [{networks: [10.0.0.0/8]}]}]`), `AdminNetworkPolicy.policy.networking.k8s.io p: spec.ingress[0].from[0]: nodes, networks and domainNames are for egress only`},
		{anp("p", 1, `egress: [{action: Deny, to: [{domainNames: [a.example]}]}]`), `AdminNetworkPolicy.policy.networking.k8s.io p: spec.egress[0].to[0].domainNames: only for rules that allow`},
		{anp("p", 1, `egress: [{action: Deny, `+toY+`, ports: [{}]}]`), `AdminNetworkPolicy.policy.networking.k8s.io p: spec.egress[0].ports[0]: needs exactly one of portNumber, namedPort and portRange`},
		{banp(`ingress: [{action: Pass, ` + fromY + `}]`), `BaselineAdminNetworkPolicy.policy.networking.k8s.io default: spec.ingress[0].action: "Pass" is not an action of this kind`},
		{cnp("p", "Middle", 1, ``), `ClusterNetworkPolicy.policy.networking.k8s.io p: spec.tier: "Middle" is neither Admin nor Baseline`},
		{cnp("p", "Admin", 1, `ingress: [{action: Deny, `+fromY+`, protocols: [{}]}]`), `ClusterNetworkPolicy.policy.networking.k8s.io p: spec.ingress[0].protocols[0]: needs exactly one of tcp, udp, sctp and destinationNamedPort`},
		{gnp("p", `selector: "pod = 'a'"`), `GlobalNetworkPolicy.projectcalico.org p: spec.selector: selector "pod = 'a'": at 5: unexpected '='`},
		{gnp("p", `ingress: [{action: Reject}]`), `GlobalNetworkPolicy.projectcalico.org p: spec.ingress[0].action: "Reject" is none of Allow, Deny, Log and Pass`},
		{gnp("p", `ingress: [{action: Allow, destination: {ports: [80]}}]`), `GlobalNetworkPolicy.projectcalico.org p: spec.ingress[0].protocol: is missing; rules with ports need TCP, UDP or SCTP`},
		{gnp("p", `ingress: [{action: Allow, protocol: TCP, destination: {ports: ["90:80"]}}]`), `GlobalNetworkPolicy.projectcalico.org p: spec.ingress[0].destination.ports[0]: "90:80" is neither a port from 1 to 65535, nor a range such as 8000:8100, nor a name`},
		{gnp("p", `ingress: [{action: Allow, protocol: QUIC}]`), `GlobalNetworkPolicy.projectcalico.org p: spec.ingress[0].protocol: "QUIC" is neither a protocol's name nor a number from 1 to 255`},
		{gnp("p", `ingress: [{action: Allow, ipVersion: 5}]`), `GlobalNetworkPolicy.projectcalico.org p: spec.ingress[0].ipVersion: 5 is neither 4 nor 6`},
		{gnp("p", `ingress: [{action: Allow, source: {nets: [ten]}}]`), `GlobalNetworkPolicy.projectcalico.org p: spec.ingress[0].source.nets[0]: "ten" is neither a CIDR nor an address`},
		{gnp("p", `egress: [{action: Allow, destination: {domains: [a.example]}}]`), `GlobalNetworkPolicy.projectcalico.org p: spec: unknown field "egress[0].destination.domains": this version does not know what it does, so it cannot evaluate the policy`},
		{gnp("p", `egress: [{action: Allow, destination: {services: {name: s}, nets: [10.0.0.0/8]}}]`), `GlobalNetworkPolicy.projectcalico.org p: spec.egress[0].destination.services: may not stand with selectors, nets or serviceAccounts`},
		{gnp("p", `selector: global()`), `GlobalNetworkPolicy.projectcalico.org p: spec.selector: global() is for the namespaceSelector of rules only`},
		{gnp("p", `types: [Inbound]`), `GlobalNetworkPolicy.projectcalico.org p: spec.types: "Inbound" is neither Ingress nor Egress`},
		{calicoNP("x", "p", `namespaceSelector: all()`), `NetworkPolicy.projectcalico.org x/p: spec.namespaceSelector: only a GlobalNetworkPolicy has it`},
		{tier("t", 1, ", defaultAction: Allow"), `Tier.projectcalico.org t: spec.defaultAction: "Allow" is neither Deny nor Pass`},
		{"apiVersion: projectcalico.org/v3\nkind: GlobalNetworkSet\nmetadata: {name: s}\nspec: {nets: [10.0.0.0/33]}", `GlobalNetworkSet.projectcalico.org s: spec.nets[0]: "10.0.0.0/33" is not a CIDR such as 10.0.0.0/8`},
	} {
		_, err := model.New(objects(t, strings.TrimPrefix(c.document, "\n---")), netpol())
		if want := "reading network policies: test.yaml: " + c.want; fmt.Sprint(err) != want {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}

// Every problem is named, not the first alone.
func TestRefusedTogether(t *testing.T) {
	_, err := model.New(objects(t, gnp("a", `types: [In]`)+gnp("b", `types: [Out]`)+anp("c", 2000, ``)), netpol())
	for _, name := range []string{"GlobalNetworkPolicy.projectcalico.org a: spec.types", "GlobalNetworkPolicy.projectcalico.org b: spec.types", "AdminNetworkPolicy.policy.networking.k8s.io c: spec.priority"} {
		if !strings.Contains(fmt.Sprint(err), name) {
			t.Errorf("%v does not name %s", err, name)
		}
	}
}
