package model_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

func gnp(name, rest string) string {
	return fmt.Sprintf("\n---\napiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: %s}\nspec: {%s}\n", name, rest)
}

func calicoNP(ns, name, rest string) string {
	return fmt.Sprintf("\n---\napiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata: {name: %s, namespace: %q}\nspec: {%s}\n", name, ns, rest)
}

func tier(name string, order int, rest string) string {
	return fmt.Sprintf("\n---\napiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: %s}\nspec: {order: %d%s}\n", name, order, rest)
}

func stored(documents string) string {
	return strings.ReplaceAll(documents, "projectcalico.org/v3", "crd.projectcalico.org/v1")
}

const homeSet = `
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkSet
metadata: {name: home, labels: {set: home}}
spec: {nets: [10.0.2.0/24]}`

const onPodA = `selector: pod == 'a' && projectcalico.org/namespace == 'x'`

func TestCalico(t *testing.T) {
	denyY := `{action: Deny, source: {namespaceSelector: ns == 'y'}}`
	for _, c := range []struct {
		name, policies string
		reached, cut   []string
	}{
		{"end of tier denies what is selected, in its direction", gnp("p", onPodA), []string{"x/a x/b 80/TCP", "y/a x/b 80/TCP", "x/b y/a 80/TCP"}, []string{"x/b x/a 80/TCP"}},
		{"types default to egress with egress rules only", gnp("p", onPodA+`, egress: [{action: Deny, protocol: TCP}]`), []string{"x/b x/a 80/TCP"}, []string{"x/a x/b 80/TCP", "x/a x/b 80/UDP"}},
		{"stored without types is both", stored(gnp("p", onPodA+`, ingress: [{action: Allow}]`)), []string{"x/b x/a 80/TCP"}, []string{"x/a x/b 80/TCP"}},
		{
			"order", gnp("a", onPodA+`, order: 20, ingress: [{action: Deny}]`) + gnp("b", onPodA+`, order: 10, ingress: [{action: Allow, protocol: TCP}]`),
			[]string{"y/b x/a 80/TCP"},
			[]string{"y/b x/a 80/UDP"},
		},
		{"no order is last", gnp("a", onPodA+`, ingress: [{action: Deny}]`) + gnp("b", onPodA+`, order: 10, ingress: [{action: Allow}]`), []string{"y/b x/a 80/TCP"}, nil},
		{"equal order goes by name", gnp("a", onPodA+`, ingress: [{action: Allow}]`) + gnp("b", onPodA+`, ingress: [{action: Deny}]`), []string{"y/b x/a 80/TCP"}, nil},
		{"log goes on", gnp("p", onPodA+`, ingress: [{action: Log}, {action: Allow}]`), []string{"y/b x/a 80/TCP"}, nil},
		{
			"a tier before", tier("first", 10, "") + gnp("a", onPodA+`, ingress: [{action: Allow}]`) + gnp("t", onPodA+`, tier: first, ingress: [`+denyY+`, {action: Pass}]`),
			[]string{"x/b x/a 80/TCP"},
			[]string{"y/b x/a 80/TCP"},
		},
		{
			"a tier's end denies before the next tier", tier("first", 10, "") + gnp("a", onPodA+`, ingress: [{action: Allow}]`) + gnp("t", onPodA+`, tier: first, ingress: [{action: Pass, protocol: TCP}]`),
			[]string{"y/b x/a 80/TCP"},
			[]string{"y/b x/a 80/UDP"},
		},
		{
			"a tier that passes at its end", tier("first", 10, ", defaultAction: Pass") + gnp("t", onPodA+`, tier: first, ingress: [`+denyY+`]`),
			[]string{"x/b x/a 80/TCP"},
			[]string{"y/b x/a 80/TCP"},
		},
		{"pass over the last tier reaches the profile, which allows", gnp("p", onPodA+`, ingress: [{action: Pass}]`), []string{"y/b x/a 80/TCP"}, nil},
		{"a tier that applies to nothing here is skipped", tier("first", 10, "") + gnp("t", `selector: pod == 'nobody', tier: first`), []string{"y/b x/a 80/TCP"}, nil},
		{"a policy of a tier that does not exist has no effect", gnp("t", onPodA+`, tier: ghost`), []string{"y/b x/a 80/TCP"}, nil},
		{
			"NetworkPolicy is at order 1000 of the default tier", denyAll + gnp("p", onPodA+`, order: 999, ingress: [{action: Allow, protocol: TCP}]`),
			[]string{"y/b x/a 80/TCP"},
			[]string{"y/b x/a 80/UDP", "y/b x/b 80/TCP"},
		},
		{"after NetworkPolicy", denyAll + gnp("p", onPodA+`, order: 1001, ingress: [{action: Allow, protocol: TCP}]`), []string{"y/b x/a 80/TCP"}, []string{"y/b x/a 80/UDP"}},
		{
			"a namespaced policy is of its namespace", calicoNP("x", "p", `ingress: [{action: Allow, source: {selector: pod == 'b'}}]`),
			[]string{"x/b x/a 80/TCP", "y/b y/a 80/TCP"},
			[]string{"y/b x/a 80/TCP", "x/c x/a 80/TCP"},
		},
		{
			"a namespaced policy with a namespace selector", calicoNP("x", "p", `ingress: [{action: Allow, source: {selector: pod == 'b', namespaceSelector: all()}}]`),
			[]string{"x/b x/a 80/TCP", "y/b x/a 80/TCP"},
			[]string{"y/c x/a 80/TCP"},
		},
		{
			"rules match both ends", gnp("p", `selector: projectcalico.org/namespace == 'x', ingress: [{action: Allow, source: {selector: pod == 'b'}, destination: {selector: pod == 'a'}}]`),
			[]string{"x/b x/a 80/TCP"},
			[]string{"x/b x/c 80/TCP"},
		},
		{"notSelector", gnp("p", onPodA+`, ingress: [{action: Allow, source: {notSelector: pod == 'b'}}]`), []string{"y/c x/a 80/TCP"}, []string{"y/b x/a 80/TCP"}},
		{"nets and notNets", gnp("p", onPodA+`, ingress: [{action: Allow, source: {nets: [10.0.0.0/16], notNets: [10.0.2.0/24]}}]`), []string{"z/b x/a 80/TCP"}, []string{"y/b x/a 80/TCP"}},
		{
			"ports, ranges and names", gnp("p", onPodA+`, ingress: [{action: Allow, protocol: TCP, destination: {ports: ["serve-81-tcp"]}}, {action: Allow, protocol: UDP, destination: {ports: ["80:81"], notPorts: [81]}}]`),
			[]string{"y/b x/a 81/TCP", "y/b x/a 80/UDP"},
			[]string{"y/b x/a 80/TCP", "y/b x/a 81/UDP"},
		},
		{
			"protocol by number, and notProtocol", gnp("p", onPodA+`, ingress: [{action: Allow, protocol: 132}, {action: Deny, notProtocol: UDP}, {action: Allow}]`),
			[]string{"y/b x/a 80/SCTP", "y/b x/a 80/UDP"},
			[]string{"y/b x/a 80/TCP"},
		},
		{"rules for ICMP match nothing else", gnp("p", onPodA+`, ingress: [{action: Allow, protocol: ICMP, icmp: {type: 8}}]`), nil, []string{"y/b x/a 80/TCP"}},
		{"service accounts", gnp("p", onPodA+`, ingress: [{action: Allow, source: {serviceAccounts: {names: [robot]}}}]`), []string{"z/c x/a 80/TCP"}, []string{"y/b x/a 80/TCP"}},
		{"serviceAccountSelector", gnp("p", `serviceAccountSelector: projectcalico.org/name == 'robot'`), []string{"y/b x/a 80/TCP"}, []string{"y/b z/c 80/TCP"}},
		{
			"an ephemeral source port", gnp("p", onPodA+`, ingress: [{action: Allow, protocol: TCP, source: {ports: [53]}}, {action: Allow, protocol: UDP, source: {ports: ["1024:65535"]}}]`),
			[]string{"y/b x/a 80/UDP"},
			[]string{"y/b x/a 80/TCP"},
		},
		{"network sets", gnp("p", onPodA+`, ingress: [{action: Allow, source: {selector: set == 'home'}}]`) + homeSet, []string{"y/b x/a 80/TCP"}, []string{"z/b x/a 80/TCP"}},
		{"all() is what has a namespace: no global set", gnp("p", onPodA+`, ingress: [{action: Allow, source: {selector: set == 'home', namespaceSelector: all()}}]`) + homeSet, nil, []string{"y/b x/a 80/TCP"}},
		{"global() is what has none", gnp("p", onPodA+`, ingress: [{action: Allow, source: {selector: set == 'home', namespaceSelector: global()}}]`) + homeSet, []string{"y/b x/a 80/TCP"}, []string{"z/b x/a 80/TCP"}},
		{"a set of another namespace", calicoNP("x", "p", `selector: pod == 'a', ingress: [{action: Allow, source: {selector: set == 'home'}}]`) + homeSet, nil, []string{"y/b x/a 80/TCP"}},
		{"service account labels", gnp("p", onPodA+`, ingress: [{action: Allow, source: {serviceAccounts: {selector: kind == 'bot'}}}]`) + `
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot, namespace: z, labels: {kind: bot}}`, []string{"z/c x/a 80/TCP"}, []string{"z/b x/a 80/TCP"}},
		{"global() is no pod", gnp("p", onPodA+`, ingress: [{action: Allow, source: {namespaceSelector: global()}}]`), nil, []string{"y/b x/a 80/TCP"}},
		{"host endpoints only", gnp("p", onPodA+`, applyOnForward: true, doNotTrack: true`), []string{"y/b x/a 80/TCP"}, nil},
		{"applyOnForward does not take pods out", gnp("p", onPodA+`, applyOnForward: true`), nil, []string{"y/b x/a 80/TCP"}},
		{"the same policy through both groups counts once", gnp("p", onPodA+`, ingress: [{action: Allow}]`) + stored(gnp("default.p", onPodA)), []string{"y/b x/a 80/TCP"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			cluster := netpol()
			at := slices.IndexFunc(cluster.Pods, func(p *topology.Pod) bool { return p.Namespace == "z" && p.Name == "c" })
			cluster.Pods[at].ServiceAccount = "robot"
			checkFlows(t, newModel(t, cluster, c.policies), c.reached, c.cut)
		})
	}
}

func TestCalicoServices(t *testing.T) {
	c := netpol()
	yb := c.Pods[slices.IndexFunc(c.Pods, func(p *topology.Pod) bool { return p.Namespace == "y" && p.Name == "b" })]
	c.Services = []*topology.Service{service("y", "b", "ClusterIP", 8080, 80, yb)}
	m := newModel(t, c, gnp("p", onPodA+`, types: [Ingress, Egress], ingress: [{action: Allow, source: {services: {name: b, namespace: "y"}}}], egress: [{action: Allow, destination: {services: {name: b, namespace: "y"}}}]`))
	checkFlows(t, m, []string{"y/b x/a 81/TCP", "x/a y/b 80/TCP"}, []string{"y/a x/a 80/TCP", "x/a y/b 81/TCP", "x/a y/b 80/UDP"})
	own := newModel(t, c, calicoNP("y", "p", `selector: pod == 'a', egress: [{action: Allow, destination: {services: {name: b}}}]`))
	checkFlows(t, own, []string{"y/a y/b 80/TCP"}, []string{"y/a y/b 81/TCP", "y/a x/b 80/TCP"})
}

func TestCalicoHostNetworkAndOutside(t *testing.T) {
	c := netpol()
	agent := pod("kube-system", "agent", "192.168.0.1", labels("pod=b"))
	agent.HostNetwork, agent.Node = true, "elsewhere"
	c.Pods = append(c.Pods, agent)
	m := newModel(t, c, gnp("p", `selector: all(), types: [Ingress, Egress], ingress: [{action: Deny, source: {selector: pod == 'b'}}, {action: Allow}], egress: [{action: Deny, destination: {notSelector: all()}}, {action: Allow}]`))
	checkFlows(t, m, []string{"kube-system/agent x/a 80/TCP", "y/a x/a 80/TCP"}, []string{"y/b x/a 80/TCP", "x/a kube-system/agent 80/TCP"})
	got := m.Evaluate(t.Context(), []reach.Edge{{From: "pod/x/a", To: "ip/198.51.100.1:443"}}).Edges[0]
	if want := "rule 1 of GlobalNetworkPolicy p denies egress to address 198.51.100.1 on 443/TCP from pod x/a"; got.Outcome != reach.Unreachable || got.Reason != want {
		t.Errorf("%s: %s", got.Outcome, got.Reason)
	}
}

func TestCalicoNotes(t *testing.T) {
	m := newModel(t, netpol(), gnp("ghost", `tier: ghost`)+gnp("raw", `doNotTrack: true, applyOnForward: true`)+
		gnp("http", `ingress: [{action: Allow, http: {methods: [GET]}}]`)+
		"\n---\napiVersion: projectcalico.org/v3\nkind: HostEndpoint\nmetadata: {name: eth0}\nspec: {node: n}\n")
	want := []string{
		"GlobalNetworkPolicy ghost has no effect: there is no tier ghost (there are: default)",
		"GlobalNetworkPolicy http: spec.ingress[0].http is enforced by a proxy only; the rule counts as without it",
		"GlobalNetworkPolicy raw applies to host endpoints only (doNotTrack or preDNAT): it has no effect on pods",
		"HostEndpoint eth0: policies for nodes are not modelled, so host-network pods count as unrestricted",
	}
	if got := m.Notes(); !slices.Equal(got, want) {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}

// Between IPv6 pods, and from IPv4 to dual-stack ones.
func TestIPVersions(t *testing.T) {
	c := netpol()
	v6 := netip.MustParseAddr("fd00::1")
	c.Pods[0].IPs = []netip.Addr{v6}                                  // x/a
	c.Pods[1].IPs = append([]netip.Addr{v6.Next()}, c.Pods[1].IPs...) // x/b, dual-stack
	m := newModel(t, c, gnp("p", `ingress: [{action: Deny, ipVersion: 6}, {action: Allow}]`))
	checkFlows(t, m, []string{"y/a x/b 80/TCP", "y/a y/b 80/TCP"}, []string{"x/a x/b 80/TCP", "x/b x/a 80/TCP", "y/a x/a 80/TCP"})
	if got := one(t, m, "y/a x/a 80/TCP").Reason; got != "pod y/a and pod x/a share no IP version" {
		t.Error(got)
	}
}
