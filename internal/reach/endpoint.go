package reach

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Endpoint is one side of an edge, taken apart. The forms are those of Edge.
type Endpoint struct {
	// Kind is "external", "ingress", "httproute", "service", "ip", "pod", a kind of workload
	// such as "deployment", or that of a custom controller with its group: "rollout.argoproj.io".
	Kind      string
	Namespace string
	Name      string // of kind ip: the address
	Port      uint16 // 0 where there is none
	Protocol  string // TCP, UDP or SCTP; empty where there is no port
}

// External is the endpoint outside the cluster.
const External = "external"

// kinds is for messages.
const kinds = "external, ip, ingress, httproute, service, pod, deployment, statefulset, daemonset, replicaset, replicationcontroller, job, cronjob"

// portRule says whether an endpoint of a kind has a port.
type portRule int

const (
	unknownKind portRule = iota
	noPort
	needsPort
	mayHavePort
)

func portRuleOf(kind string) portRule {
	switch kind {
	case "ingress", "httproute":
		return noPort
	case "service":
		return needsPort
	case "pod", "deployment", "statefulset", "daemonset", "replicaset", "replicationcontroller", "job", "cronjob":
		return mayHavePort
	}
	if strings.Contains(kind, ".") && len(validation.IsDNS1123Subdomain(kind)) == 0 {
		return mayHavePort // a custom controller's
	}
	return unknownKind
}

// ParseEndpoint reads an endpoint as it is written in edges. The protocol is TCP where it
// is left out, and may be in lower case.
func ParseEndpoint(s string) (Endpoint, error) {
	e, err := parseEndpoint(s)
	if err != nil {
		return Endpoint{}, fmt.Errorf("reading endpoint %q: %w", s, err)
	}
	return e, nil
}

func parseEndpoint(s string) (Endpoint, error) {
	kind, rest, _ := strings.Cut(s, "/")
	switch {
	case s == External:
		return Endpoint{Kind: External}, nil
	case kind == "ip":
		return parseIP(rest)
	case portRuleOf(kind) == unknownKind:
		return Endpoint{}, fmt.Errorf("unknown kind %q: use %s, or kind.group of a custom workload", kind, kinds)
	}
	e := Endpoint{Kind: kind}
	object, port, hasPort := strings.Cut(rest, ":")
	if err := e.setObject(object); err != nil {
		return Endpoint{}, err
	}
	if err := checkPort(kind, hasPort); err != nil || !hasPort {
		return e, err
	}
	return e, e.setPort(port)
}

func checkPort(kind string, hasPort bool) error {
	rule := portRuleOf(kind)
	if hasPort && rule == noPort {
		return fmt.Errorf("%s endpoints take no port: remove it", kind)
	}
	if !hasPort && rule == needsPort {
		return fmt.Errorf("%s endpoints need a port: write %s/NAMESPACE/NAME:PORT/PROTOCOL", kind, kind)
	}
	return nil
}

func parseIP(s string) (Endpoint, error) {
	address, protocol, _ := strings.Cut(s, "/")
	ap, err := netip.ParseAddrPort(address)
	if err != nil || ap.Addr().Zone() != "" {
		return Endpoint{}, fmt.Errorf("expected ip/ADDRESS:PORT/PROTOCOL, an IPv6 address in [brackets]")
	}
	e := Endpoint{Kind: "ip", Name: ap.Addr().Unmap().String()}
	port := strconv.Itoa(int(ap.Port()))
	if strings.Contains(s, "/") {
		port += "/" + protocol
	}
	return e, e.setPort(port)
}

func (e *Endpoint) setObject(s string) error {
	namespace, name, ok := strings.Cut(s, "/")
	if !ok {
		return fmt.Errorf("expected %s/NAMESPACE/NAME", e.Kind)
	}
	if problems := validation.IsDNS1123Label(namespace); len(problems) > 0 {
		return fmt.Errorf("namespace %q: %s", namespace, problems[0])
	}
	if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
		return fmt.Errorf("name %q: %s", name, problems[0])
	}
	e.Namespace, e.Name = namespace, name
	return nil
}

func (e *Endpoint) setPort(s string) error {
	number, protocol, hasProtocol := strings.Cut(s, "/")
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil || port == 0 {
		return fmt.Errorf("port %q: expected a number from 1 to 65535", number)
	}
	if !hasProtocol {
		protocol = "TCP"
	}
	protocol = strings.ToUpper(protocol)
	if !slices.Contains([]string{"TCP", "UDP", "SCTP"}, protocol) {
		return fmt.Errorf("protocol %q: use TCP, UDP or SCTP", protocol)
	}
	e.Port, e.Protocol = uint16(port), protocol
	return nil
}

// String is the inverse of ParseEndpoint, with the protocol always given.
func (e Endpoint) String() string {
	switch e.Kind {
	case External:
		return External
	case "ip":
		return "ip/" + net.JoinHostPort(e.Name, strconv.Itoa(int(e.Port))) + "/" + e.Protocol
	}
	s := e.Kind + "/" + e.Namespace + "/" + e.Name
	if e.Port == 0 {
		return s
	}
	return s + ":" + strconv.Itoa(int(e.Port)) + "/" + e.Protocol
}

// Bare is the endpoint without its port: the workload or object itself.
func (e Endpoint) Bare() string {
	e.Port, e.Protocol = 0, ""
	return e.String()
}
