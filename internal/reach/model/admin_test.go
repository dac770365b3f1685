package model_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

func anp(name string, priority int, rest string) string {
	return fmt.Sprintf(`
---
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: %s}
spec: {priority: %d, subject: {namespaces: {matchLabels: {ns: x}}}, %s}
`, name, priority, rest)
}

func banp(rest string) string {
	return fmt.Sprintf(`
---
apiVersion: policy.networking.k8s.io/v1alpha1
kind: BaselineAdminNetworkPolicy
metadata: {name: default}
spec: {subject: {namespaces: {matchLabels: {ns: x}}}, %s}
`, rest)
}

func cnp(name, tier string, priority int, rest string) string {
	return fmt.Sprintf(`
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: %s}
spec: {tier: %s, priority: %d, subject: {pods: {namespaceSelector: {matchLabels: {ns: x}}, podSelector: {matchLabels: {pod: a}}}}, %s}
`, name, tier, priority, rest)
}

const (
	fromY = `from: [{namespaces: {matchLabels: {ns: "y"}}}]`
	fromB = `from: [{pods: {namespaceSelector: {}, podSelector: {matchLabels: {pod: b}}}}]`
	toY   = `to: [{namespaces: {matchLabels: {ns: "y"}}}]`
)

// After the conformance tests of the Network Policy API.
func TestAdminPolicies(t *testing.T) {
	for _, c := range []struct {
		name, policies string
		reached, cut   []string
	}{
		{"deny", anp("p", 1, `ingress: [{action: Deny, `+fromY+`}]`), []string{"z/a x/a 80/TCP", "x/a y/a 80/TCP"}, []string{"y/a x/a 80/TCP", "y/c x/b 81/UDP"}},
		{"first rule wins", anp("p", 1, `ingress: [{action: Allow, `+fromB+`}, {action: Deny, `+fromY+`}]`), []string{"y/b x/a 80/TCP"}, []string{"y/a x/a 80/TCP"}},
		{
			"lower priority value wins", anp("z-first", 1, `ingress: [{action: Allow, `+fromY+`}]`) + anp("a-second", 2, `ingress: [{action: Deny, `+fromY+`}]`),
			[]string{"y/a x/a 80/TCP"},
			nil,
		},
		{"allow overrides NetworkPolicy", denyAll + anp("p", 1, `ingress: [{action: Allow, `+fromY+`}]`), []string{"y/a x/a 80/TCP"}, []string{"z/a x/a 80/TCP"}},
		{"deny overrides NetworkPolicy", onA(`ingress: [{}]`) + anp("p", 1, `ingress: [{action: Deny, `+fromY+`}]`), []string{"z/a x/a 80/TCP"}, []string{"y/a x/a 80/TCP"}},
		{"pass leaves it to NetworkPolicy", denyAll + anp("p", 1, `ingress: [{action: Pass, `+fromB+`}, {action: Allow, `+fromY+`}]`), []string{"y/a x/a 80/TCP"}, []string{"y/b x/a 80/TCP"}},
		{"pass skips later policies of the tier", anp("p", 1, `ingress: [{action: Pass, `+fromB+`}]`) + anp("q", 2, `ingress: [{action: Deny, `+fromY+`}]`), []string{"y/b x/a 80/TCP"}, []string{"y/a x/a 80/TCP"}},
		{"pass goes on to baseline", banp(`ingress: [{action: Deny, `+fromY+`}]`) + anp("p", 1, `ingress: [{action: Pass, `+fromY+`}]`), nil, []string{"y/b x/a 80/TCP"}},
		{"baseline is overridden by NetworkPolicy", banp(`ingress: [{action: Deny, `+fromY+`}]`) + "---" + onA(`ingress: [{}]`), []string{"y/b x/a 80/TCP"}, []string{"y/b x/b 80/TCP"}},
		{"egress", anp("p", 1, `egress: [{action: Deny, `+toY+`, ports: [{portNumber: {port: 80, protocol: TCP}}]}]`), []string{"x/a y/a 81/TCP", "x/a y/a 80/UDP", "x/a z/a 80/TCP"}, []string{"x/a y/a 80/TCP"}},
		{"protocol defaults to TCP", anp("p", 1, `ingress: [{action: Deny, `+fromY+`, ports: [{portNumber: {port: 80}}]}]`), []string{"y/a x/a 80/UDP"}, []string{"y/a x/a 80/TCP"}},
		{"port range", anp("p", 1, `ingress: [{action: Deny, `+fromY+`, ports: [{portRange: {start: 81, end: 90, protocol: UDP}}]}]`), []string{"y/a x/a 80/UDP", "y/a x/a 81/TCP"}, []string{"y/a x/a 81/UDP"}},
		{"named port", anp("p", 1, `egress: [{action: Deny, `+toY+`, ports: [{namedPort: serve-81-tcp}]}]`), []string{"x/a y/a 80/TCP"}, []string{"x/a y/a 81/TCP"}},
		{"networks match pods too", anp("p", 1, `egress: [{action: Deny, to: [{networks: [10.0.2.0/24]}]}]`), []string{"x/a z/a 80/TCP"}, []string{"x/a y/a 80/TCP"}},
		{"a subject of pods", cnp("p", "Admin", 1, `ingress: [{action: Deny, `+fromY+`}]`), []string{"y/a x/b 80/TCP"}, []string{"y/a x/a 80/TCP"}},
		{"accept", denyAll + cnp("p", "Admin", 1, `ingress: [{action: Accept, `+fromY+`}]`), []string{"y/a x/a 80/TCP"}, []string{"y/a x/b 80/TCP"}},
		{
			"ClusterNetworkPolicy by protocol", cnp("p", "Admin", 1, `ingress: [{action: Deny, `+fromY+`, protocols: [{udp: {}}, {tcp: {destinationPort: {range: {start: 81, end: 82}}}}, {sctp: {destinationPort: {number: 80}}}]}]`),
			[]string{"y/a x/a 80/TCP"},
			[]string{"y/a x/a 80/UDP", "y/a x/a 81/TCP", "y/a x/a 80/SCTP"},
		},
		{"ClusterNetworkPolicy by port name", cnp("p", "Admin", 1, `ingress: [{action: Deny, `+fromY+`, protocols: [{destinationNamedPort: serve-80-udp}]}]`), []string{"y/a x/a 80/TCP"}, []string{"y/a x/a 80/UDP"}},
		{
			"ClusterNetworkPolicy baseline", "---" + onA(`ingress: [{ports: [{port: 80}]}]`) + cnp("p", "Baseline", 1, `ingress: [{action: Deny, `+fromY+`}], egress: [{action: Deny, `+toY+`}]`),
			[]string{"y/a x/a 80/TCP"},
			[]string{"x/a y/a 80/TCP"},
		},
	} {
		t.Run(c.name, func(t *testing.T) { checkFlows(t, newModel(t, netpol(), c.policies), c.reached, c.cut) })
	}
}

func TestAdminReasons(t *testing.T) {
	m := newModel(t, netpol(), anp("p", 1, `ingress: [{action: Allow, `+fromB+`}, {action: Deny, `+fromY+`}]`))
	if got := one(t, m, "y/a x/a 80/TCP").Reason; got != "rule 2 of AdminNetworkPolicy p denies ingress to pod x/a on 80/TCP from pod y/a" {
		t.Error(got)
	}
	if got := one(t, m, "y/b x/a 80/TCP").Reason; got != "rule 1 of AdminNetworkPolicy p allows ingress" {
		t.Error(got)
	}
}

func TestAdminNodesAndDomains(t *testing.T) {
	c := netpol()
	c.Nodes = []*topology.Node{{Name: "node-2", Labels: labels("edge=yes"), IPs: []netip.Addr{netip.MustParseAddr("192.168.0.2")}}}
	agent := pod("kube-system", "agent", "192.168.0.2", nil, tcp(9100, "metrics"))
	agent.HostNetwork, agent.Node = true, "node-2"
	c.Pods = append(c.Pods, agent)
	m := newModel(t, c, anp("p", 1, `egress: [{action: Allow, to: [{domainNames: ["*.example.com"]}]}, {action: Deny, to: [{nodes: {matchLabels: {edge: "yes"}}}]}, {action: Deny, to: [{networks: [198.51.100.0/24]}]}]`))
	checkFlows(t, m, []string{"x/a y/a 80/TCP"}, []string{"x/a kube-system/agent 9100/TCP"})
	for to, want := range map[string]reach.Outcome{
		"ip/198.51.100.7:443/TCP": reach.Error, // may be *.example.com
		"ip/192.168.0.2:22/TCP":   reach.Error,
		"ip/198.18.0.1:443/TCP":   reach.Reachable,
	} {
		if got := m.Evaluate(t.Context(), []reach.Edge{{From: "pod/x/a", To: to}}).Edges[0]; got.Outcome != want {
			t.Errorf("%s: %s (%s), want %s", to, got.Outcome, got.Reason, want)
		}
	}
}
