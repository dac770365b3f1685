package calico

import "k8s.io/apimachinery/pkg/util/intstr"

// The specs of crd.projectcalico.org/v1 and projectcalico.org/v3, which are the same.
// Source: https://docs.tigera.io/calico/latest/reference/resources/

// PolicySpec is the spec of NetworkPolicy and GlobalNetworkPolicy.
type PolicySpec struct {
	Tier                   string   `json:"tier,omitempty"`
	Order                  *float64 `json:"order,omitempty"`
	Ingress                []Rule   `json:"ingress,omitempty"`
	Egress                 []Rule   `json:"egress,omitempty"`
	Selector               string   `json:"selector,omitempty"`
	Types                  []string `json:"types,omitempty"`
	ServiceAccountSelector string   `json:"serviceAccountSelector,omitempty"`
	PerformanceHints       []string `json:"performanceHints,omitempty"` // change no decision

	// Of GlobalNetworkPolicy only.
	NamespaceSelector string `json:"namespaceSelector,omitempty"`
	DoNotTrack        bool   `json:"doNotTrack,omitempty"`
	PreDNAT           bool   `json:"preDNAT,omitempty"`
	ApplyOnForward    bool   `json:"applyOnForward,omitempty"` // more host endpoints, the same pods
}

// Rule is one rule. All criteria that are given must hold.
type Rule struct {
	Action      string              `json:"action"`
	IPVersion   *int                `json:"ipVersion,omitempty"`
	Protocol    *intstr.IntOrString `json:"protocol,omitempty"`
	NotProtocol *intstr.IntOrString `json:"notProtocol,omitempty"`
	ICMP        *ICMP               `json:"icmp,omitempty"`
	NotICMP     *ICMP               `json:"notICMP,omitempty"`
	Source      Entity              `json:"source,omitempty"`
	Destination Entity              `json:"destination,omitempty"`
	HTTP        map[string]any      `json:"http,omitempty"`     // enforced by a proxy only
	Metadata    map[string]any      `json:"metadata,omitempty"` // changes no decision
}

// ICMP narrows a rule to ICMP messages.
type ICMP struct {
	Type *int `json:"type,omitempty"`
	Code *int `json:"code,omitempty"`
}

// Entity is the source or the destination of a rule.
type Entity struct {
	Nets              []string             `json:"nets,omitempty"`
	NotNets           []string             `json:"notNets,omitempty"`
	Selector          string               `json:"selector,omitempty"`
	NotSelector       string               `json:"notSelector,omitempty"`
	NamespaceSelector string               `json:"namespaceSelector,omitempty"`
	Services          *Service             `json:"services,omitempty"`
	Ports             []intstr.IntOrString `json:"ports,omitempty"`
	NotPorts          []intstr.IntOrString `json:"notPorts,omitempty"`
	ServiceAccounts   *ServiceAccounts     `json:"serviceAccounts,omitempty"`
}

// Service names a Kubernetes Service.
type Service struct {
	Name      string `json:"name,omitempty"`
	Namespace string `json:"namespace,omitempty"`
}

// ServiceAccounts selects pods by service account. Both criteria must hold.
type ServiceAccounts struct {
	Names    []string `json:"names,omitempty"`
	Selector string   `json:"selector,omitempty"`
}

// TierSpec is the spec of Tier.
type TierSpec struct {
	Order         *float64 `json:"order,omitempty"`
	DefaultAction string   `json:"defaultAction,omitempty"`
}

// SetSpec is the spec of NetworkSet and GlobalNetworkSet.
type SetSpec struct {
	Nets []string `json:"nets,omitempty"`
}
