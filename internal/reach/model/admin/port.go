package admin

import (
	"errors"
	"fmt"

	"github.com/stagegate/stagegate/internal/reach/model/policy"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

func adminPorts(field string, list []Port) (*policy.PortSet, error) {
	out := &policy.PortSet{}
	var problems []error
	for i, p := range list {
		c, err := adminPort(fmt.Sprintf("%s[%d]", field, i), p)
		problems = append(problems, err)
		out.Ports = append(out.Ports, c)
	}
	return out, errors.Join(problems...)
}

func adminPort(field string, p Port) (policy.Port, error) {
	switch {
	case p.PortNumber != nil && p.NamedPort == nil && p.PortRange == nil:
		return ports(field+".portNumber", p.PortNumber.Protocol, p.PortNumber.Port, p.PortNumber.Port)
	case p.PortNumber == nil && p.NamedPort != nil && p.PortRange == nil && *p.NamedPort != "":
		return policy.Port{Name: *p.NamedPort}, nil
	case p.PortNumber == nil && p.NamedPort == nil && p.PortRange != nil:
		return ports(field+".portRange", p.PortRange.Protocol, p.PortRange.Start, p.PortRange.End)
	}
	return policy.Port{}, fmt.Errorf("%s: needs exactly one of portNumber, namedPort and portRange", field)
}

func clusterPorts(field string, list []Protocol) (*policy.PortSet, error) {
	out := &policy.PortSet{}
	var problems []error
	for i, p := range list {
		c, err := clusterPort(fmt.Sprintf("%s[%d]", field, i), p)
		problems = append(problems, err)
		out.Ports = append(out.Ports, c)
	}
	return out, errors.Join(problems...)
}

func clusterPort(field string, p Protocol) (policy.Port, error) {
	var out []policy.Port
	var problems []error
	for _, c := range []struct {
		protocol topology.Protocol
		given    *ProtocolPort
	}{{topology.TCP, p.TCP}, {topology.UDP, p.UDP}, {topology.SCTP, p.SCTP}} {
		if c.given != nil {
			port, err := protocolPort(field, c.protocol, c.given.DestinationPort)
			problems = append(problems, err)
			out = append(out, port)
		}
	}
	if p.DestinationNamedPort != "" {
		out = append(out, policy.Port{Name: p.DestinationNamedPort})
	}
	if len(out) != 1 {
		return policy.Port{}, fmt.Errorf("%s: needs exactly one of tcp, udp, sctp and destinationNamedPort", field)
	}
	return out[0], errors.Join(problems...)
}

func protocolPort(field string, protocol topology.Protocol, p *ClusterPort) (policy.Port, error) {
	switch {
	case p == nil:
		return policy.Port{Protocol: protocol}, nil
	case p.Range != nil && p.Number == 0:
		return ports(field, string(protocol), p.Range.Start, p.Range.End)
	case p.Range != nil:
		return policy.Port{}, fmt.Errorf("%s: needs exactly one of number and range", field)
	}
	return ports(field, string(protocol), p.Number, p.Number)
}

func ports(field, protocol string, start, end int32) (policy.Port, error) {
	if protocol == "" {
		protocol = string(topology.TCP)
	}
	switch topology.Protocol(protocol) {
	case topology.TCP, topology.UDP, topology.SCTP:
	default:
		return policy.Port{}, fmt.Errorf("%s.protocol: %q is none of TCP, UDP and SCTP", field, protocol)
	}
	from, to, err := policy.Range(field, start, end)
	if err != nil {
		return policy.Port{}, err
	}
	return policy.Port{Protocol: topology.Protocol(protocol), From: from, To: to}, nil
}
