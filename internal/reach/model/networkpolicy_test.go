package model_test

import (
	"testing"

	"github.com/stagegate/stagegate/internal/reach"
)

const denyAll = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: x}
spec: {podSelector: {}, policyTypes: [Ingress]}
`

// rules makes a policy on pod x/a from the rest of its spec.
func onA(spec string) string {
	return `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: x}
spec: {podSelector: {matchLabels: {pod: a}}, ` + spec + `}
`
}

// The cases of Kubernetes' end-to-end tests (test/e2e/network/netpol), and more.
func TestNetworkPolicy(t *testing.T) {
	for _, c := range []struct {
		name, policies string
		reached, cut   []string // "x/b x/a 80/TCP"
	}{
		{"no policy", "", []string{"y/b x/a 80/TCP", "x/b x/a 81/UDP"}, nil},
		{"default deny ingress", denyAll, []string{"x/a y/b 80/TCP", "y/a y/b 80/TCP"}, []string{"y/b x/a 80/TCP", "x/b x/a 80/TCP"}},
		{"deny egress", onA(`policyTypes: [Egress]`), []string{"x/b x/a 80/TCP"}, []string{"x/a x/b 80/TCP", "x/a y/b 80/UDP"}},
		{"policyTypes default to ingress", onA(`ingress: []`), []string{"x/a x/b 80/TCP"}, []string{"x/b x/a 80/TCP"}},
		{
			"policyTypes default to both with egress rules", onA(`egress: [{to: [{podSelector: {}}]}]`),
			[]string{"x/a x/b 80/TCP"},
			[]string{"x/a y/b 80/TCP", "x/b x/a 80/TCP"},
		},
		{"an empty rule allows all", denyAll + "---" + onA(`ingress: [{}]`), []string{"y/b x/a 80/TCP", "z/c x/a 81/UDP"}, []string{"y/b x/b 80/TCP"}},
		{"an empty from allows all", onA(`ingress: [{from: [], ports: [{port: 81}]}]`), []string{"y/b x/a 81/TCP"}, []string{"y/b x/a 80/TCP"}},
		{
			"pod selector is of the policy's namespace", onA(`ingress: [{from: [{podSelector: {matchLabels: {pod: b}}}]}]`),
			[]string{"x/b x/a 80/TCP"},
			[]string{"y/b x/a 80/TCP", "x/c x/a 80/TCP"},
		},
		{
			"namespace selector", onA(`ingress: [{from: [{namespaceSelector: {matchLabels: {ns: "y"}}}]}]`),
			[]string{"y/b x/a 80/TCP"},
			[]string{"x/b x/a 80/TCP", "z/b x/a 80/TCP"},
		},
		{
			"empty namespace selector is every namespace", onA(`ingress: [{from: [{namespaceSelector: {}}]}]`),
			[]string{"y/b x/a 80/TCP", "x/b x/a 80/TCP"},
			nil,
		},
		{
			"namespace AND pod in one peer", onA(`ingress: [{from: [{namespaceSelector: {matchLabels: {ns: "y"}}, podSelector: {matchLabels: {pod: b}}}]}]`),
			[]string{"y/b x/a 80/TCP"},
			[]string{"y/a x/a 80/TCP", "x/b x/a 80/TCP"},
		},
		{
			"namespace OR pod in two peers", onA(`ingress: [{from: [{namespaceSelector: {matchLabels: {ns: "y"}}}, {podSelector: {matchLabels: {pod: b}}}]}]`),
			[]string{"y/a x/a 80/TCP", "x/b x/a 80/TCP"},
			[]string{"z/b x/a 80/TCP", "x/c x/a 80/TCP"},
		},
		{
			"match expressions", onA(`ingress: [{from: [{podSelector: {matchExpressions: [{key: pod, operator: NotIn, values: [b]}, {key: gone, operator: DoesNotExist}]}}]}]`),
			[]string{"x/c x/a 80/TCP"},
			[]string{"x/b x/a 80/TCP"},
		},
		{
			"namespace by its name", onA(`ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: ["y", z]}]}}]}]`),
			[]string{"y/b x/a 80/TCP", "z/c x/a 80/TCP"},
			[]string{"x/b x/a 80/TCP"},
		},
		{"port by number", onA(`ingress: [{ports: [{port: 81}]}]`), []string{"y/b x/a 81/TCP"}, []string{"y/b x/a 80/TCP", "y/b x/a 81/UDP"}},
		{"port by name, of its protocol only", onA(`ingress: [{ports: [{port: serve-81-tcp}]}]`), []string{"y/b x/a 81/TCP"}, []string{"y/b x/a 80/TCP", "y/b x/a 81/UDP"}},
		{"port name of another protocol", onA(`ingress: [{ports: [{port: serve-81-tcp, protocol: UDP}]}]`), nil, []string{"y/b x/a 81/TCP", "y/b x/a 81/UDP"}},
		{"port name is the target's on egress", onA(`policyTypes: [Egress], egress: [{ports: [{port: serve-80-udp, protocol: UDP}]}]`), []string{"x/a y/b 80/UDP"}, []string{"x/a y/b 80/TCP", "x/a y/b 81/UDP"}},
		{"port range", onA(`ingress: [{ports: [{port: 80, endPort: 81}]}]`), []string{"y/b x/a 80/TCP", "y/b x/a 81/TCP"}, []string{"y/b x/a 82/TCP", "y/b x/a 80/UDP"}},
		{"protocol without port", onA(`ingress: [{ports: [{protocol: SCTP}]}]`), []string{"y/b x/a 80/SCTP"}, []string{"y/b x/a 80/TCP"}},
		{
			"ip block with except", onA(`ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/16, except: [10.0.2.0/24]}}]}]`),
			[]string{"z/b x/a 80/TCP", "x/b x/a 80/TCP"},
			[]string{"y/b x/a 80/TCP"},
		},
		{
			"ip block on egress", onA(`policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.2.2/32}}]}]`),
			[]string{"x/a y/b 80/TCP"},
			[]string{"x/a y/a 80/TCP"},
		},
		{
			"rules add up", onA(`ingress: [{from: [{podSelector: {matchLabels: {pod: b}}}], ports: [{port: 80}]}, {ports: [{port: 81}]}]`),
			[]string{"x/b x/a 80/TCP", "y/c x/a 81/TCP"},
			[]string{"x/c x/a 80/TCP", "x/b x/a 80/UDP"},
		},
		{"both ends must allow", denyAll + "---\n" + `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: out, namespace: y}
spec: {podSelector: {}, policyTypes: [Egress], egress: [{}]}`, []string{"y/a z/a 80/TCP"}, []string{"y/a x/a 80/TCP"}},
		{"a pod reaches itself", denyAll, []string{"x/a x/a 80/TCP"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) { checkFlows(t, newModel(t, netpol(), c.policies), c.reached, c.cut) })
	}
}

func TestNetworkPolicyReasons(t *testing.T) {
	m := newModel(t, netpol(), denyAll+"---"+onA(`ingress: [{ports: [{port: 81}]}]`))
	for _, c := range []struct{ flow, want string }{
		{"y/b x/a 80/TCP", "no rule of NetworkPolicy x/deny, NetworkPolicy x/p allows ingress to pod x/a on 80/TCP from pod y/b"},
		{"y/b x/a 81/TCP", "rule 1 of NetworkPolicy x/p allows ingress"},
		{"y/b y/a 81/TCP", "no policy applies"},
		{"x/a x/a 80/TCP", "a pod always reaches itself"},
	} {
		if got := one(t, m, c.flow).Reason; got != c.want {
			t.Errorf("%s: %s\nwant %s", c.flow, got, c.want)
		}
	}
}

func TestHostNetwork(t *testing.T) {
	c := netpol()
	for i, p := range c.Pods {
		p.Node = []string{"node-1", "node-2", "node-3"}[i%3] // by pod name: a, b, c
	}
	node := pod("kube-system", "agent", "192.168.0.1", labels("pod=b"), tcp(9100, "metrics"))
	node.HostNetwork = true
	c.Pods = append(c.Pods, node)
	for _, tt := range []struct {
		name, policies string
		reached, cut   []string
	}{
		{"not selected", `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: kube-system}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}`, []string{"y/b kube-system/agent 9100/TCP", "kube-system/agent y/b 80/TCP"}, nil},
		{"own node is never blocked", denyAll, []string{"kube-system/agent x/a 80/TCP"}, []string{"kube-system/agent x/b 80/TCP"}},
		{"own node is never blocked on egress", `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: x}
spec: {podSelector: {}, policyTypes: [Egress]}`, []string{"x/a kube-system/agent 9100/TCP"}, []string{"x/b kube-system/agent 9100/TCP"}},
		{"labels do not match", denyAll + "---" + `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: x}
spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}`, []string{"y/a x/b 80/TCP"}, []string{"kube-system/agent x/b 80/TCP"}},
		{"the node's address matches", `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: x}
spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 192.168.0.0/24}}]}]}`, []string{"kube-system/agent x/b 80/TCP"}, []string{"y/b x/b 80/TCP"}},
	} {
		t.Run(tt.name, func(t *testing.T) { checkFlows(t, newModel(t, c, tt.policies), tt.reached, tt.cut) })
	}
}

// What depends on an address that is not known is an error, unless it makes no difference.
func TestAddressNotKnown(t *testing.T) {
	c := netpol()
	for _, p := range c.Pods {
		p.IPs, p.Derived = nil, true
	}
	for _, tt := range []struct {
		name, policies string
		want           reach.Outcome
	}{
		{"decides", onA(`ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/16}}]}]`), reach.Error},
		{"every address", onA(`ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]`), reach.Reachable},
		{"but for some", onA(`ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]}]`), reach.Error},
		{"allowed by another rule", onA(`ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/16}}]}, {from: [{namespaceSelector: {}}]}]`), reach.Reachable},
		{"denied by the port", onA(`ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/16}}], ports: [{port: 81}]}]`), reach.Unreachable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := one(t, newModel(t, c, tt.policies), "y/b x/a 80/TCP"); got.Outcome != tt.want {
				t.Errorf("%s: %s, want %s", got.Outcome, got.Reason, tt.want)
			}
		})
	}
}
