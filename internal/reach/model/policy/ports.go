package policy

import (
	"fmt"
	"math"
	"slices"

	"github.com/stagegate/stagegate/internal/reach/topology"
)

// Port is one port criterion: a range of numbers, a name that the target pod declares, or,
// with neither, every port of the protocol.
type Port struct {
	Protocol topology.Protocol // empty: any
	Name     string
	From, To uint16 // both 0: every port
}

// Range checks the numbers of an inclusive range of ports.
func Range(field string, start, end int32) (from, to uint16, err error) {
	if start < 1 || end > math.MaxUint16 || end < start {
		return 0, 0, fmt.Errorf("%s: ports %d to %d are not a range within 1 to 65535", field, start, end)
	}
	return uint16(start), uint16(end), nil //nolint:gosec // both are within the range, as just checked
}

func (c Port) match(p *Party, port uint16, protocol topology.Protocol) bool {
	if c.Protocol != "" && c.Protocol != protocol {
		return false
	}
	if c.Name == "" {
		return (c.From == 0 && c.To == 0) || (c.From <= port && port <= c.To)
	}
	return p.Workload() && slices.ContainsFunc(p.Pod.Ports, func(d topology.Port) bool {
		return d.Name == c.Name && d.Number == port && d.Protocol == protocol
	})
}

// PortSet selects the destination port of a flow. All criteria that are given must hold;
// the zero PortSet selects every port.
type PortSet struct {
	Never       bool                // never matches TCP, UDP or SCTP (a rule for ICMP)
	Ports       []Port              // any of them; nil: all
	NotPorts    []Port              // none of them
	Protocols   []topology.Protocol // nil: any
	NotProtocol topology.Protocol   // empty: none excluded
	Service     *Serving            // endpoints of a Service, on their endpoint ports
}

// Match tells whether the set has that port of the destination.
func (s *PortSet) Match(dst *Party, port uint16, protocol topology.Protocol) bool {
	has := func(c Port) bool { return c.match(dst, port, protocol) }
	return !s.Never &&
		(s.Protocols == nil || slices.Contains(s.Protocols, protocol)) &&
		(s.NotProtocol == "" || s.NotProtocol != protocol) &&
		(s.Ports == nil || slices.ContainsFunc(s.Ports, has)) &&
		!slices.ContainsFunc(s.NotPorts, has) &&
		(s.Service == nil || s.serves(dst, port, protocol))
}

func (s *PortSet) serves(dst *Party, port uint16, protocol topology.Protocol) bool {
	return slices.Contains(dst.Serves, ServicePort{s.Service.Namespace, s.Service.Name, port, protocol})
}
