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
type place struct {
	address, what string
	// fleeting tells that it belongs to a pod, and goes with it in any rollout.
	fleeting bool
}

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
		g.fleeting = at.fleeting
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
	return goal{}, never("live probes cannot send "+protocol, "live probes cannot send %s", protocol)
}

func (p *planner) places(to reach.Endpoint, v vantage) ([]place, *finding) {
	switch to.Kind {
	case "ip":
		return []place{{address: join(to.Name, to.Port), what: "the address"}}, nil
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
		at := podPlace(pod, to.Port)
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

func podPlace(pod *topology.Pod, port uint16) place {
	return place{address: join(pod.IPs[0].String(), port), what: "pod " + pod.Name, fleeting: true}
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
		return []place{{address: join(service.ExternalName, to.Port), what: "the external name"}}, nil
	case port < 0:
		return nil, nothingThere("Service %s/%s has no port %d/%s", to.Namespace, to.Name, to.Port, to.Protocol)
	}
	if v.outside() {
		return p.outerPlaces(service, service.Ports[port])
	}
	if len(service.ClusterIPs) > 0 {
		return []place{{address: join(service.ClusterIPs[0].String(), to.Port), what: "the cluster address"}}, nil
	}
	return headlessPlaces(service, service.Ports[port])
}

func headlessPlaces(service *topology.Service, port topology.ServicePort) ([]place, *finding) {
	var out []place
	for _, e := range service.Endpoints[port] {
		if e.Ready && e.Address.IsValid() {
			out = append(out, endpointPlace(e, "the headless Service's endpoint"))
		}
	}
	if len(out) == 0 {
		return nil, nothingThere("the headless Service %s/%s has no ready endpoint", service.Namespace, service.Name)
	}
	return out, nil
}

func endpointPlace(e topology.Endpoint, what string) place {
	return place{address: netip.AddrPortFrom(e.Address, e.Port).String(), what: what, fleeting: true}
}

// outerPlaces is where a Service is published outside the cluster. Its cluster address is
// none: nothing outside routes there.
func (p *planner) outerPlaces(service *topology.Service, port topology.ServicePort) ([]place, *finding) {
	switch {
	case len(service.LoadBalancer) > 0:
		return []place{{address: join(service.LoadBalancer[0], port.Number), what: "the LoadBalancer address"}}, nil
	case len(service.ExternalIPs) > 0:
		return []place{{address: join(service.ExternalIPs[0], port.Number), what: "the external address"}}, nil
	case port.NodePort == 0:
		return nil, nothingThere("Service %s/%s is of type %s and has no address outside the cluster", service.Namespace, service.Name, service.Type)
	}
	if node, ok := p.routableNode(nil); ok {
		return []place{{address: join(node, port.NodePort), what: "the node port"}}, nil
	}
	return nil, cannot("Service %s/%s is published on a port of the nodes, and this machine has no route to any of them: run stagegate where the nodes can be reached",
		service.Namespace, service.Name)
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

func join(host string, port uint16) string {
	return net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(int(port)))
}

func (at place) String() string { return fmt.Sprintf("%s %s", at.what, at.address) }
