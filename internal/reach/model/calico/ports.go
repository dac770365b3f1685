package calico

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/stagegate/stagegate/internal/reach/model/policy"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// portSet is the protocol and destination ports of a rule.
func portSet(field string, in Rule) (*policy.PortSet, error) {
	out := &policy.PortSet{Never: in.ICMP != nil || in.NotICMP != nil}
	if in.Protocol != nil {
		protocol, known, err := protocolOf(field+".protocol", *in.Protocol)
		if err != nil {
			return nil, err
		}
		out.Protocols = []topology.Protocol{protocol}
		out.Never = out.Never || !known
	} else if len(in.Source.Ports)+len(in.Source.NotPorts)+len(in.Destination.Ports)+len(in.Destination.NotPorts) > 0 {
		return nil, fmt.Errorf("%s.protocol: is missing; rules with ports need TCP, UDP or SCTP", field)
	}
	if in.NotProtocol != nil {
		protocol, _, err := protocolOf(field+".notProtocol", *in.NotProtocol)
		if err != nil {
			return nil, err
		}
		out.NotProtocol = protocol
	}
	var err1, err2 error
	out.Ports, err1 = ports(field+".destination.ports", in.Destination.Ports)
	out.NotPorts, err2 = ports(field+".destination.notPorts", in.Destination.NotPorts)
	return out, errors.Join(err1, err2)
}

// protocolOf reads a name or number. Known is false for protocols without ports of the
// kind that is modelled: ICMP, UDPLite and other numbers.
func protocolOf(field string, p intstr.IntOrString) (protocol topology.Protocol, known bool, err error) {
	switch strings.ToUpper(p.String()) {
	case "TCP", "6":
		return topology.TCP, true, nil
	case "UDP", "17":
		return topology.UDP, true, nil
	case "SCTP", "132":
		return topology.SCTP, true, nil
	case "ICMP", "ICMPV6", "UDPLITE":
		return topology.Protocol(p.String()), false, nil
	}
	if n, err := strconv.Atoi(p.String()); err == nil && n >= 1 && n <= 255 {
		return topology.Protocol(p.String()), false, nil
	}
	return "", false, fmt.Errorf("%s: %q is neither a protocol's name nor a number from 1 to 255", field, p.String())
}

func ports(field string, list []intstr.IntOrString) ([]policy.Port, error) {
	var out []policy.Port
	var problems []error
	for i, p := range list {
		port, err := portOf(fmt.Sprintf("%s[%d]", field, i), p.String())
		problems = append(problems, err)
		out = append(out, port)
	}
	return out, errors.Join(problems...)
}

// portOf reads a number, a range "MIN:MAX", or a name.
func portOf(field, text string) (policy.Port, error) {
	low, high, isRange := strings.Cut(text, ":")
	if !isRange {
		high = low
	}
	from, err1 := strconv.ParseUint(low, 10, 16)
	to, err2 := strconv.ParseUint(high, 10, 16)
	switch {
	case err1 == nil && err2 == nil && from <= to && to > 0:
		return policy.Port{From: uint16(from), To: uint16(to)}, nil
	case isRange || err1 == nil || text == "" || strings.Trim(text, "0123456789-") == "":
		return policy.Port{}, fmt.Errorf("%s: %q is neither a port from 1 to 65535, nor a range such as 8000:8100, nor a name", field, text)
	}
	return policy.Port{Name: text}, nil
}

// The ports that Linux gives to clients: the default of net.ipv4.ip_local_port_range.
const (
	firstEphemeral = 32768
	lastEphemeral  = 60999
)

// ephemeral tells whether a client's source port satisfies a rule's source ports: always,
// never, or depending on which port it happens to get. A client's port has no name.
func ephemeral(field string, source Entity) (policy.Tri, error) {
	in, err1 := ports(field+".ports", source.Ports)
	out, err2 := ports(field+".notPorts", source.NotPorts)
	result := coverage(out).Not()
	if len(in) > 0 {
		result = min(result, coverage(in))
	}
	return result, errors.Join(err1, err2)
}

// coverage tells how much of the ephemeral ports a list covers: all, none, or some.
func coverage(list []policy.Port) policy.Tri {
	if len(list) == 0 {
		return policy.No
	}
	covered := 0
	for n := firstEphemeral; n <= lastEphemeral; n++ {
		for _, p := range list {
			if p.Name == "" && int(p.From) <= n && n <= int(p.To) {
				covered++
				break
			}
		}
	}
	switch covered {
	case 0:
		return policy.No
	case lastEphemeral - firstEphemeral + 1:
		return policy.Yes
	}
	return policy.Maybe
}
