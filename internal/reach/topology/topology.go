// Package topology makes, of a snapshot's objects, what reachability is evaluated on:
// namespaces, nodes, pods, services with their endpoints, and the routes that ingress
// controllers serve. Where a snapshot is derived, pods and endpoints come from workload
// templates and Service selectors.
package topology

import "net/netip"

// Protocol is a transport protocol.
type Protocol string

// The protocols of Service and policy ports.
const (
	TCP  Protocol = "TCP"
	UDP  Protocol = "UDP"
	SCTP Protocol = "SCTP"
)

// Port is one declared port of a pod.
type Port struct {
	Name     string
	Number   uint16
	Protocol Protocol
	HostPort uint16 // 0 where there is none
}

// Namespace is a namespace with its labels (kubernetes.io/metadata.name always among them).
type Namespace struct {
	Name   string
	Labels map[string]string
}

// Node is a node with its labels and addresses.
type Node struct {
	Name   string
	Labels map[string]string
	IPs    []netip.Addr
}

// Pod is one pod, running or derived from a workload's template.
type Pod struct {
	Namespace      string
	Name           string
	Labels         map[string]string
	ServiceAccount string
	Node           string
	IPs            []netip.Addr // none where derived
	HostNetwork    bool
	Ports          []Port
	Ready          bool
	NotReadyReason string
	// Workload is the controller at the top of the owner chain, as an endpoint without
	// port ("deployment/shop/web"), or "pod/NAMESPACE/NAME" of a pod on its own.
	Workload string
	Derived  bool
	// Texts are the values of the containers' environment, command and arguments, where
	// the addresses of other Services stand. They may hold secrets and are never printed.
	Texts []string `json:"-"`
}

// ServicePort is one port of a Service.
type ServicePort struct {
	Name       string
	Number     uint16
	Protocol   Protocol
	TargetName string // a named target port, or empty
	Target     uint16 // a numeric target port, or 0
	NodePort   uint16
}

// Endpoint is one address behind a Service port. Pod is nil where no pod has the address.
type Endpoint struct {
	Pod     *Pod
	Address netip.Addr
	Port    uint16
	Ready   bool
}

// Service is a Service with its endpoints by port number and protocol.
type Service struct {
	Namespace    string
	Name         string
	Type         string // ClusterIP, NodePort, LoadBalancer, ExternalName
	ExternalName string
	Headless     bool // clients connect to the endpoints themselves
	ClusterIPs   []netip.Addr
	LoadBalancer []string // addresses or host names given out
	ExternalIPs  []string // addresses of nodes that take its traffic
	// SourceRanges are what the load balancer admits; everything where there is none.
	SourceRanges []netip.Prefix
	// PublishNotReady is true where pods that are not ready get traffic too.
	PublishNotReady bool
	Ports           []ServicePort
	Selector        map[string]string
	Endpoints       map[ServicePort][]Endpoint
}

// Route is one host and path that an Ingress or HTTPRoute publishes.
type Route struct {
	Owner    string // "ingress/NAMESPACE/NAME" or "httproute/NAMESPACE/NAME"
	Host     string // "*" or empty for any
	Path     string
	PathType string // Exact, Prefix, ImplementationSpecific, RegularExpression
	TLS      bool
	// Redirect is true where the controller itself answers, and no backend is needed.
	Redirect bool
	Backends []Backend
	// Addresses are those, or the host names, that the status of the Ingress or of the
	// Gateway gives.
	Addresses []string
	// Controller serves the route; nil, with Problem saying why, where none was found.
	Controller *Controller
	Problem    string
}

// Backend is where a route sends requests. Port is 0 where PortName is set.
type Backend struct {
	Namespace string
	Service   string
	Port      uint16
	PortName  string
	Weight    int32 // 0 takes no traffic (HTTPRoute); 1 where the API has no weight
	// Problem says why the route may not use this backend, such as a missing ReferenceGrant.
	Problem string
}

// Controller is an ingress controller: the pods that serve a class, and the Services
// through which the outside reaches them.
type Controller struct {
	Class string // IngressClass or GatewayClass name
	// External is true for a cloud load balancer that connects to the backends from outside
	// the cluster; then there are no pods.
	External bool
	Workload string // as Pod.Workload
	Pods     []*Pod
	Services []*Service
}

// Cluster is the whole.
type Cluster struct {
	Namespaces map[string]*Namespace
	Nodes      []*Node
	Pods       []*Pod     // ordered by namespace and name
	Services   []*Service // ordered by namespace and name
	Routes     []Route    // ordered by owner, host, path
	// Problems are things that could not be understood, for people; each makes the edges
	// that it touches an error, never a pass.
	Problems []string
	// Notes are things that were understood and are not modelled.
	Notes []string
}
