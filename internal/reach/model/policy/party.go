package policy

import (
	"net/netip"

	"github.com/stagegate/stagegate/internal/reach/topology"
)

// Party is one end of a flow: a pod, or an address that no pod has.
type Party struct {
	Pod *topology.Pod // nil where the address is no pod's
	// Addr is the address that this end uses; the zero Addr where it is not known yet.
	Addr      netip.Addr
	Namespace *topology.Namespace // of the pod
	// ServiceAccount has the labels of the pod's service account.
	ServiceAccount map[string]string
	// Node is the node whose address this is: of host-network pods and of addresses that
	// are a node's own.
	Node *topology.Node
	// Serves are the Service ports whose endpoint this is, where a policy asks for them.
	Serves []ServicePort
}

// ServicePort is one endpoint port of a Service.
type ServicePort struct {
	Namespace, Name string
	Port            uint16
	Protocol        topology.Protocol
}

// Workload tells whether policies can select this party by labels. Host-network pods are
// not selected: their traffic is the node's.
func (p *Party) Workload() bool { return p.Pod != nil && !p.Pod.HostNetwork }

// ServiceAccountName is the name of the pod's service account ("default" where unset).
func (p *Party) ServiceAccountName() string {
	if p.Pod.ServiceAccount == "" {
		return "default"
	}
	return p.Pod.ServiceAccount
}
