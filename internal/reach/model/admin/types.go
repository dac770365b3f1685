package admin

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// The specs of policy.networking.k8s.io, as far as they decide something: v1alpha1
// AdminNetworkPolicy and BaselineAdminNetworkPolicy, v1alpha2 ClusterNetworkPolicy.
// Source: https://github.com/kubernetes-sigs/network-policy-api/tree/main/apis

// Spec is the spec of both v1alpha1 kinds. A baseline has no priority.
type Spec struct {
	Priority *int32  `json:"priority,omitempty"`
	Subject  Subject `json:"subject"`
	Ingress  []Rule  `json:"ingress,omitempty"`
	Egress   []Rule  `json:"egress,omitempty"`
}

// Rule is a rule of v1alpha1: From of ingress, To of egress.
type Rule struct {
	Name   string `json:"name,omitempty"`
	Action string `json:"action"`
	From   []Peer `json:"from,omitempty"`
	To     []Peer `json:"to,omitempty"`
	Ports  []Port `json:"ports,omitempty"`
}

// Port is one port of v1alpha1; exactly one field is set.
type Port struct {
	PortNumber *PortNumber        `json:"portNumber,omitempty"`
	NamedPort  *string            `json:"namedPort,omitempty"`
	PortRange  *ProtocolPortRange `json:"portRange,omitempty"`
}

// PortNumber is a port with its protocol, TCP by default.
type PortNumber struct {
	Protocol string `json:"protocol,omitempty"`
	Port     int32  `json:"port"`
}

// ProtocolPortRange is an inclusive range with its protocol, TCP by default.
type ProtocolPortRange struct {
	Protocol string `json:"protocol,omitempty"`
	Start    int32  `json:"start"`
	End      int32  `json:"end"`
}

// ClusterSpec is the spec of ClusterNetworkPolicy.
type ClusterSpec struct {
	Tier     string        `json:"tier"`
	Priority *int32        `json:"priority"`
	Subject  Subject       `json:"subject"`
	Ingress  []ClusterRule `json:"ingress,omitempty"`
	Egress   []ClusterRule `json:"egress,omitempty"`
}

// ClusterRule is a rule of v1alpha2: From of ingress, To of egress.
type ClusterRule struct {
	Name      string     `json:"name,omitempty"`
	Action    string     `json:"action"`
	From      []Peer     `json:"from,omitempty"`
	To        []Peer     `json:"to,omitempty"`
	Protocols []Protocol `json:"protocols,omitempty"`
}

// Protocol is one protocol of v1alpha2; exactly one field is set.
type Protocol struct {
	TCP                  *ProtocolPort `json:"tcp,omitempty"`
	UDP                  *ProtocolPort `json:"udp,omitempty"`
	SCTP                 *ProtocolPort `json:"sctp,omitempty"`
	DestinationNamedPort string        `json:"destinationNamedPort,omitempty"`
}

// ProtocolPort narrows a protocol to a destination port.
type ProtocolPort struct {
	DestinationPort *ClusterPort `json:"destinationPort,omitempty"`
}

// ClusterPort is a number or a range.
type ClusterPort struct {
	Number int32      `json:"number,omitempty"`
	Range  *PortRange `json:"range,omitempty"`
}

// PortRange is inclusive.
type PortRange struct {
	Start int32 `json:"start"`
	End   int32 `json:"end"`
}

// Subject is the pods that a policy applies to; exactly one field is set.
type Subject struct {
	Namespaces *metav1.LabelSelector `json:"namespaces,omitempty"`
	Pods       *NamespacedPod        `json:"pods,omitempty"`
}

// NamespacedPod selects pods in namespaces.
type NamespacedPod struct {
	NamespaceSelector metav1.LabelSelector `json:"namespaceSelector"`
	PodSelector       metav1.LabelSelector `json:"podSelector"`
}

// Peer is the other side of a rule; exactly one field is set. Nodes, Networks and
// DomainNames are for egress only.
type Peer struct {
	Namespaces  *metav1.LabelSelector `json:"namespaces,omitempty"`
	Pods        *NamespacedPod        `json:"pods,omitempty"`
	Nodes       *metav1.LabelSelector `json:"nodes,omitempty"`
	Networks    []string              `json:"networks,omitempty"`
	DomainNames []string              `json:"domainNames,omitempty"`
}
