package model

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// entry decides whether sources reach the controller of a route: through one of its
// Services, or the ports that it opens on its nodes.
func (m *Model) entry(sources []end, outside bool, r *topology.Route) finding {
	ways := m.ways(sources, outside, r)
	if len(ways) == 0 {
		return unreachable("nothing leads to ingress controller %s: it has no Service of type LoadBalancer or NodePort with a TCP port, and no host port", r.Controller.Workload)
	}
	var last finding
	for _, way := range ways {
		if last = way(); last.outcome == reach.Reachable {
			return last
		}
	}
	return last
}

// ways are the ways in, each of which would do.
func (m *Model) ways(sources []end, outside bool, r *topology.Route) []func() finding {
	var out []func() finding
	for _, s := range r.Controller.Services {
		if outside && !open(s) {
			continue
		}
		if port, ok := webPort(s, r.TLS); ok {
			out = append(out, func() finding {
				if refused := turnedAway(outside, s); refused != nil {
					return *refused
				}
				return m.servicePort(sources, s, port)
			})
		}
	}
	if doors := hostDoors(r); len(doors) > 0 {
		out = append(out, func() finding { return m.spread(sources, doors, "pods of "+r.Controller.Workload) })
	}
	return out
}

// open tells whether a Service can be reached from outside.
func open(s *topology.Service) bool { return s.Type == "LoadBalancer" || s.Type == "NodePort" }

// turnedAway is the finding where the load balancer of a Service does not admit the outside.
func turnedAway(outside bool, s *topology.Service) *finding {
	admits := func(p netip.Prefix) bool {
		return slices.ContainsFunc(outsideEnd().ips, p.Contains)
	}
	if !outside || len(s.SourceRanges) == 0 || slices.ContainsFunc(s.SourceRanges, admits) {
		return nil
	}
	f := unreachable("the load balancer of Service %s/%s admits %s alone (loadBalancerSourceRanges), not %s",
		s.Namespace, s.Name, joinPrefixes(s.SourceRanges), outsideEnd().name)
	return &f
}

func joinPrefixes(list []netip.Prefix) string {
	texts := make([]string, len(list))
	for i, p := range list {
		texts[i] = p.String()
	}
	return strings.Join(texts, ", ")
}

// webPort is the port of a controller's Service that takes requests: by its number, else
// by its name, else the first TCP port.
func webPort(s *topology.Service, tls bool) (topology.ServicePort, bool) {
	number, names := uint16(80), []string{"http", "web"}
	if tls {
		number, names = 443, []string{"https", "websecure"}
	}
	for _, fits := range []func(topology.ServicePort) bool{
		func(p topology.ServicePort) bool { return p.Number == number },
		func(p topology.ServicePort) bool { return slices.Contains(names, strings.ToLower(p.Name)) },
		func(topology.ServicePort) bool { return true },
	} {
		for _, p := range s.Ports {
			if p.Protocol == topology.TCP && fits(p) {
				return p, true
			}
		}
	}
	return topology.ServicePort{}, false
}

// hostDoors are the ports that the ready pods of a controller open on their nodes. A
// host-network pod that declares no web port is taken to listen on it all the same.
func hostDoors(r *topology.Route) []door {
	number := uint16(80)
	if r.TLS {
		number = 443
	}
	var out []door
	for _, p := range r.Controller.Pods {
		if !p.Ready {
			continue
		}
		at := slices.IndexFunc(p.Ports, func(d topology.Port) bool { return d.HostPort == number && d.Protocol == topology.TCP })
		switch {
		case at >= 0:
			out = append(out, door{podEnd(p), p.Ports[at].Number, topology.TCP})
		case p.HostNetwork:
			out = append(out, door{podEnd(p), number, topology.TCP})
		}
	}
	return out
}
