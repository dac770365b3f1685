package live

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/probe"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// place is an address to send to, and what it is.
type place struct{ address, what string }

// addressGoals are for targets with a port: every address must be reached.
func (p *planner) addressGoals(check config.Check, to reach.Endpoint, v vantage) ([]goal, *finding) {
	if to.Port == 0 {
		return nil, cannot("%s has no port to send to: write %s:PORT/PROTOCOL", to, to)
	}
	places, nothing := p.places(to, v)
	if nothing != nil {
		return nil, nothing
	}
	goals := make([]goal, len(places))
	for i, at := range places {
		g, nothing := p.addressGoal(check, to.Protocol, at)
		if nothing != nil {
			return nil, nothing
		}
		goals[i] = g
	}
	return goals, nil
}

func (p *planner) addressGoal(check config.Check, protocol string, at place) (goal, *finding) {
	switch {
	case protocol == "TCP" && check.GRPC != nil:
		return grpcGoal(check, at), nil
	case protocol == "TCP" && (check.HTTP != nil || check.TLS != nil):
		return p.declaredHTTPGoal(check, at), nil
	case protocol == "TCP":
		return goal{target: probe.Target{Protocol: probe.TCP, Address: at.address}, judge: judgeTCP(at)}, nil
	case protocol == "UDP":
		answered := p.answered[check.Edge]
		return goal{target: probe.Target{Protocol: probe.UDP, Address: at.address}, judge: judgeUDP(at, answered)}, nil
	}
	return goal{}, cannot("live probes cannot send %s", protocol)
}

func (p *planner) places(to reach.Endpoint, v vantage) ([]place, *finding) {
	switch to.Kind {
	case "ip":
		return []place{{join(to.Name, to.Port), "the address"}}, nil
	case "service":
		return p.servicePlaces(to, v)
	}
	return p.podPlaces(to)
}

// podPlaces are the addresses of the ready pods; where none is ready, of all.
func (p *planner) podPlaces(to reach.Endpoint) ([]place, *finding) {
	var ready, all []place
	for _, pod := range p.podsOf(to) {
		if len(pod.IPs) == 0 {
			continue
		}
		at := place{join(pod.IPs[0].String(), to.Port), "pod " + pod.Name}
		all = append(all, at)
		if pod.Ready {
			ready = append(ready, at)
		}
	}
	if len(all) == 0 {
		return nil, nothingThere("no pod of %s has an address", to.Bare())
	}
	if len(ready) > 0 {
		return ready, nil
	}
	return all, nil
}

func (p *planner) servicePlaces(to reach.Endpoint, v vantage) ([]place, *finding) {
	service := p.service(to.Namespace, to.Name)
	if service == nil {
		return nil, nothingThere("there is no Service %s/%s", to.Namespace, to.Name)
	}
	port := slices.IndexFunc(service.Ports, func(sp topology.ServicePort) bool {
		return sp.Number == to.Port && string(sp.Protocol) == to.Protocol
	})
	switch {
	case service.Type == "ExternalName":
		return []place{{join(service.ExternalName, to.Port), "the external name"}}, nil
	case port < 0:
		return nil, nothingThere("Service %s/%s has no port %d/%s", to.Namespace, to.Name, to.Port, to.Protocol)
	}
	if v.outside() {
		if at, ok := p.outerPlace(service, service.Ports[port]); ok {
			return []place{at}, nil
		}
	}
	if len(service.ClusterIPs) > 0 {
		return []place{{join(service.ClusterIPs[0].String(), to.Port), "the cluster address"}}, nil
	}
	return headlessPlaces(service, service.Ports[port])
}

func headlessPlaces(service *topology.Service, port topology.ServicePort) ([]place, *finding) {
	var out []place
	for _, e := range service.Endpoints[port] {
		if e.Ready && e.Address.IsValid() {
			out = append(out, place{netip.AddrPortFrom(e.Address, e.Port).String(), "the headless Service's endpoint"})
		}
	}
	if len(out) == 0 {
		return nil, nothingThere("the headless Service %s/%s has no ready endpoint", service.Namespace, service.Name)
	}
	return out, nil
}

// outerPlace is where a Service is published outside the cluster.
func (p *planner) outerPlace(service *topology.Service, port topology.ServicePort) (place, bool) {
	if len(service.LoadBalancer) > 0 {
		return place{join(service.LoadBalancer[0], port.Number), "the LoadBalancer address"}, true
	}
	if port.NodePort != 0 {
		if node, ok := p.routableNode(nil); ok {
			return place{join(node, port.NodePort), "the node port"}, true
		}
	}
	return place{}, false
}

func (p *planner) service(namespace, name string) *topology.Service {
	for _, s := range p.topo.Services {
		if s.Namespace == namespace && s.Name == name {
			return s
		}
	}
	return nil
}

// grpcGoal asks for the health of a gRPC server.
func grpcGoal(check config.Check, at place) goal {
	target := probe.Target{Protocol: probe.GRPC, Address: at.address, Name: check.GRPC.Service, ServerName: host(check.Edge.Host)}
	if check.TLS != nil {
		target.TLS, target.ServerName = true, cmp.Or(check.TLS.ServerName, target.ServerName)
	}
	return goal{target: target, judge: judgeGRPC(check, at)}
}

// dnsGoal resolves a name, as the vantage's resolver does unless a server is named.
func (p *planner) dnsGoal(check config.DNSCheck) goal {
	var wanted []string
	switch check.Address {
	case "":
	case "ingress":
		wanted = p.ingressAddresses()
	default:
		wanted = []string{check.Address}
	}
	return goal{
		target: probe.Target{Protocol: probe.DNS, Name: check.Name, Address: check.Server},
		judge:  judgeDNS(check, wanted),
	}
}

// ingressAddresses are where a name for what is published may point to.
func (p *planner) ingressAddresses() []string {
	var out []string
	for _, route := range p.topo.Routes {
		if route.Controller == nil {
			continue
		}
		for _, s := range route.Controller.Services {
			out = append(out, s.LoadBalancer...)
		}
	}
	if len(out) == 0 {
		out = p.nodes.addresses()
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func join(host string, port uint16) string {
	return net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(int(port)))
}

func (at place) String() string { return fmt.Sprintf("%s %s", at.what, at.address) }
