package model_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/reach"
)

func other(group, kind, namespace, rest string) string {
	return fmt.Sprintf("\n---\napiVersion: %s/v1\nkind: %s\nmetadata: {name: p, namespace: %q}\n%s\n", group, kind, namespace, rest)
}

// What a policy of an engine that is not modelled may decide is an error, never a pass;
// what it cannot decide is as if it were not there.
func TestUnmodelled(t *testing.T) {
	ciliumOf := func(rest string) string { return other("cilium.io", "CiliumNetworkPolicy", "x", rest) }
	wide := func(rest string) string {
		return other("cilium.io", "CiliumClusterwideNetworkPolicy", "", rest)
	}
	antreaOf := func(rest string) string { return other("crd.antrea.io", "NetworkPolicy", "x", rest) }
	istioOf := func(kind, namespace, rest string) string {
		return other("security.istio.io", kind, namespace, rest)
	}
	for _, c := range []struct {
		name, policies        string
		unclear, reached, cut []string
	}{
		{"Cilium, all of a namespace", ciliumOf(`spec: {endpointSelector: {}, ingress: []}`), []string{"y/a x/a 80/TCP", "x/b x/a 80/TCP"}, []string{"x/a y/a 80/TCP"}, nil},
		{"Cilium, by a label", ciliumOf(`spec: {endpointSelector: {matchLabels: {"k8s:pod": a}}, ingressDeny: [{}]}`), []string{"y/a x/a 80/TCP"}, []string{"y/a x/b 80/TCP"}, nil},
		{"Cilium, by an expression", ciliumOf(`spec: {endpointSelector: {matchExpressions: [{key: pod, operator: NotIn, values: [a]}]}, egress: [{}]}`), []string{"x/b y/a 80/TCP"}, []string{"x/a y/a 80/TCP"}, nil},
		{"Cilium, nothing selected", ciliumOf(`spec: {endpointSelector: {matchLabels: {pod: none}}, ingress: []}`), nil, []string{"y/a x/a 80/TCP"}, nil},
		{"Cilium, several specs", ciliumOf(`specs: [{endpointSelector: {matchLabels: {pod: a}}, ingress: []}, {endpointSelector: {matchLabels: {pod: b}}, ingress: []}]`), []string{"y/a x/a 80/TCP", "y/a x/b 80/TCP"}, []string{"y/a x/c 80/TCP"}, nil},
		{"Cilium, no direction", ciliumOf(`spec: {endpointSelector: {}}`), []string{"y/a x/a 80/TCP", "x/a y/a 80/TCP"}, nil, nil},
		{"Cilium, another source of labels", ciliumOf(`spec: {endpointSelector: {matchLabels: {"reserved:ingress": ""}}, ingress: []}`), []string{"y/a x/a 80/TCP"}, nil, nil},
		{"Cilium may allow what is denied", denyAll + ciliumOf(`spec: {endpointSelector: {matchLabels: {pod: a}}, ingress: [{}]}`), []string{"y/a x/a 80/TCP"}, nil, []string{"y/a x/b 80/TCP"}},
		{"Cilium, everywhere", wide(`spec: {endpointSelector: {}, ingress: []}`), []string{"y/a x/a 80/TCP", "x/a z/a 80/TCP"}, nil, nil},
		{"Cilium, by namespace", wide(`spec: {endpointSelector: {matchLabels: {"k8s:io.kubernetes.pod.namespace": "y"}}, ingress: []}`), []string{"x/a y/a 80/TCP"}, []string{"y/a x/a 80/TCP"}, nil},
		{"Cilium, by a label of the namespace", wide(`spec: {endpointSelector: {matchExpressions: [{key: io.cilium.k8s.namespace.labels.ns, operator: In, values: ["y"]}]}, ingress: []}`), []string{"x/a y/a 80/TCP"}, []string{"y/a x/a 80/TCP"}, nil},
		{"Cilium, nodes", wide(`spec: {nodeSelector: {}, ingress: []}`), nil, []string{"x/a y/a 80/TCP"}, nil},
		{"Antrea", antreaOf(`spec: {appliedTo: [{podSelector: {matchLabels: {pod: a}}}], ingress: [{}]}`), []string{"y/a x/a 80/TCP"}, []string{"y/a x/b 80/TCP", "x/a y/a 80/TCP"}, nil},
		{"Antrea may allow what is denied", denyAll + antreaOf(`spec: {appliedTo: [{podSelector: {}}], ingress: [{}]}`), []string{"y/a x/a 80/TCP"}, nil, nil},
		{"Antrea, by rule", antreaOf(`spec: {ingress: [{appliedTo: [{podSelector: {matchLabels: {pod: a}}}]}]}`), []string{"y/a x/a 80/TCP"}, []string{"y/a x/b 80/TCP"}, nil},
		{"Antrea, a group", antreaOf(`spec: {appliedTo: [{group: g}], ingress: [{}]}`), []string{"y/a x/a 80/TCP"}, []string{"x/a y/a 80/TCP"}, nil},
		{"Antrea, by namespace", other("crd.antrea.io", "ClusterNetworkPolicy", "", `spec: {appliedTo: [{namespaceSelector: {matchLabels: {ns: "y"}}}], egress: [{}]}`), []string{"y/a x/a 80/TCP"}, []string{"x/a y/a 80/TCP"}, nil},
		{"Istio", istioOf("AuthorizationPolicy", "x", `spec: {}`), []string{"y/a x/a 80/TCP"}, []string{"x/a y/a 80/TCP"}, nil},
		{"Istio, by a label", istioOf("AuthorizationPolicy", "x", `spec: {selector: {matchLabels: {pod: a}}}`), []string{"y/a x/a 80/TCP"}, []string{"y/a x/b 80/TCP"}, nil},
		{"Istio, an audit", istioOf("AuthorizationPolicy", "x", `spec: {action: AUDIT}`), nil, []string{"y/a x/a 80/TCP"}, nil},
		{"Istio, all namespaces", istioOf("AuthorizationPolicy", "istio-system", `spec: {}`), []string{"y/a x/a 80/TCP", "x/a z/a 80/TCP"}, nil, nil},
		{"Istio allows nothing that is denied", denyAll + istioOf("AuthorizationPolicy", "x", `spec: {}`), nil, nil, []string{"y/a x/a 80/TCP"}},
		{"Istio, encryption", istioOf("PeerAuthentication", "x", `spec: {mtls: {mode: STRICT}}`), []string{"y/a x/a 80/TCP"}, nil, nil},
		{"Istio, encryption of a port", istioOf("PeerAuthentication", "x", `spec: {portLevelMtls: {"80": {mode: STRICT}}}`), []string{"y/a x/a 80/TCP"}, nil, nil},
		{"Istio, encryption as it comes", istioOf("PeerAuthentication", "x", `spec: {mtls: {mode: PERMISSIVE}}`), nil, []string{"y/a x/a 80/TCP"}, nil},
		{"Linkerd", other("policy.linkerd.io", "Server", "x", `spec: {podSelector: {matchLabels: {pod: a}}, port: 80}`), []string{"y/a x/a 80/TCP"}, []string{"y/a x/b 80/TCP"}, nil},
		{"AWS", other("vpcresources.k8s.aws", "SecurityGroupPolicy", "x", `spec: {podSelector: {matchLabels: {pod: a}}}`), []string{"y/a x/a 80/TCP", "x/a y/a 80/TCP"}, []string{"y/a x/b 80/TCP"}, nil},
		{"OVN", other("k8s.ovn.org", "EgressFirewall", "x", `spec: {egress: [{type: Deny, to: {cidrSelector: 0.0.0.0/0}}]}`), nil, []string{"x/a y/a 80/TCP", "y/a x/a 80/TCP"}, nil},
		{"not a mapping", other("cilium.io", "CiliumNetworkPolicy", "x", `spec: {endpointSelector: 7, ingress: 8}`), []string{"y/a x/a 80/TCP"}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newModel(t, netpol(), c.policies)
			checkFlows(t, m, c.reached, c.cut)
			for _, f := range c.unclear {
				if got := one(t, m, f); got.Outcome != reach.Error || !strings.Contains(got.Reason, " is not modelled, and it may decide ") {
					t.Errorf("%s: %s (%s), want an error", f, got.Outcome, got.Reason)
				}
			}
		})
	}
}

// Requests that leave the cluster meet what is for them alone.
func TestUnmodelledEgress(t *testing.T) {
	m := newModel(t, netpol(), other("k8s.ovn.org", "EgressFirewall", "x", `spec: {egress: [{type: Deny, to: {cidrSelector: 0.0.0.0/0}}]}`))
	out := func(from string) reach.Result {
		return m.Evaluate(t.Context(), []reach.Edge{{From: from, To: "ip/198.51.100.1:443/TCP"}}).Edges[0]
	}
	if got := out("pod/x/a"); got.Outcome != reach.Error {
		t.Errorf("from x: %s (%s), want an error", got.Outcome, got.Reason)
	}
	if got := out("pod/y/a"); got.Outcome != reach.Reachable {
		t.Errorf("from y: %s (%s), want reachable", got.Outcome, got.Reason)
	}
}

func TestUnmodelledIsNamed(t *testing.T) {
	m := newModel(t, netpol(), other("cilium.io", "CiliumNetworkPolicy", "x", `spec: {endpointSelector: {}, ingress: []}`))
	got := one(t, m, "y/a x/a 80/TCP").Reason
	if want := "CiliumNetworkPolicy x/p is not modelled, and it may decide ingress to pod x/a on 80/TCP from pod y/a"; got != want {
		t.Errorf("reason %q\nwant   %q", got, want)
	}
	want := "CiliumNetworkPolicy.cilium.io is not modelled (1 there): what one of them may decide is an error; only live probes can tell"
	if notes := m.Notes(); len(notes) != 1 || notes[0] != want {
		t.Errorf("notes %q\nwant %q", notes, want)
	}
}
