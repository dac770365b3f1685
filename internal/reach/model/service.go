package model

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/reach/topology"
)

// service decides whether every source reaches every ready endpoint of a Service port.
func (m *Model) service(sources []end, s *topology.Service, port uint16, protocol topology.Protocol) finding {
	name := s.Namespace + "/" + s.Name
	if s.Type == "ExternalName" {
		return failed("Service %s is of type ExternalName: what is behind %s is not modelled", name, s.ExternalName)
	}
	at := slices.IndexFunc(s.Ports, func(p topology.ServicePort) bool { return p.Number == port && p.Protocol == protocol })
	if at < 0 {
		return unreachable("Service %s has no port %d/%s; it has %s", name, port, protocol, listPorts(s.Ports))
	}
	return m.servicePort(sources, s, s.Ports[at])
}

func (m *Model) servicePort(sources []end, s *topology.Service, port topology.ServicePort) finding {
	endpoints := s.Endpoints[port]
	if len(endpoints) == 0 {
		return m.noEndpoints(s, port)
	}
	var doors []door
	for _, e := range endpoints {
		if e.Ready {
			doors = append(doors, endpointDoor(e, port.Protocol))
		}
	}
	if len(doors) == 0 {
		return unreachable("Service %s/%s has no ready endpoint for port %d/%s: %s", s.Namespace, s.Name, port.Number, port.Protocol, notReady(endpoints))
	}
	return m.spread(sources, doors, fmt.Sprintf("endpoints of Service %s/%s", s.Namespace, s.Name))
}

func endpointDoor(e topology.Endpoint, protocol topology.Protocol) door {
	var to end
	if e.Pod != nil {
		to = podEnd(e.Pod)
	} else {
		to.name = "address " + e.Address.String()
	}
	if e.Address.IsValid() {
		to.ips = []netip.Addr{e.Address}
	}
	return door{to, e.Port, protocol}
}

func notReady(endpoints []topology.Endpoint) string {
	for _, e := range endpoints {
		if e.Pod != nil {
			return fmt.Sprintf("pod %s/%s is not ready%s", e.Pod.Namespace, e.Pod.Name, because(e.Pod))
		}
	}
	return fmt.Sprintf("none of its %d addresses is", len(endpoints))
}

func because(p *topology.Pod) string {
	if p.NotReadyReason == "" {
		return ""
	}
	return " (" + p.NotReadyReason + ")"
}

// noEndpoints finds out why a Service port has nothing behind it.
func (m *Model) noEndpoints(s *topology.Service, port topology.ServicePort) finding {
	name := s.Namespace + "/" + s.Name
	if len(s.Selector) == 0 {
		return unreachable("Service %s has no selector, and no endpoints were given to port %d/%s", name, port.Number, port.Protocol)
	}
	selected := m.selected(s)
	if len(selected) == 0 {
		return unreachable("no pod in namespace %s has the labels that Service %s selects (%s)", s.Namespace, name, labelList(s.Selector))
	}
	pod := selected[0]
	if port.TargetName != "" && !slices.ContainsFunc(selected, func(p *topology.Pod) bool { return declares(p, port) }) {
		return unreachable("port %d/%s of Service %s goes to the port named %q, which pod %s/%s does not declare; it declares %s",
			port.Number, port.Protocol, name, port.TargetName, pod.Namespace, pod.Name, declared(pod))
	}
	return unreachable("Service %s has no endpoints for port %d/%s, though it selects %d pods (pod %s/%s%s)",
		name, port.Number, port.Protocol, len(selected), pod.Namespace, pod.Name, because(pod))
}

func (m *Model) selected(s *topology.Service) []*topology.Pod {
	var out []*topology.Pod
	for _, p := range m.cluster.Pods {
		if p.Namespace == s.Namespace && hasLabels(p.Labels, s.Selector) {
			out = append(out, p)
		}
	}
	return out
}

func hasLabels(have, want map[string]string) bool {
	for k, v := range want {
		if got, ok := have[k]; !ok || got != v {
			return false
		}
	}
	return true
}

func declares(p *topology.Pod, port topology.ServicePort) bool {
	return slices.ContainsFunc(p.Ports, func(d topology.Port) bool {
		return d.Name == port.TargetName && d.Protocol == port.Protocol
	})
}

func declared(p *topology.Pod) string {
	if len(p.Ports) == 0 {
		return "no ports"
	}
	list := make([]string, len(p.Ports))
	for i, d := range p.Ports {
		list[i] = fmt.Sprintf("%d/%s", d.Number, d.Protocol)
		if d.Name != "" {
			list[i] += fmt.Sprintf(" %q", d.Name)
		}
	}
	return strings.Join(list, ", ")
}

func listPorts(ports []topology.ServicePort) string {
	if len(ports) == 0 {
		return "no ports"
	}
	list := make([]string, len(ports))
	for i, p := range ports {
		list[i] = fmt.Sprintf("%d/%s", p.Number, p.Protocol)
	}
	return strings.Join(list, ", ")
}

func labelList(labels map[string]string) string {
	var list []string
	for k, v := range labels {
		list = append(list, k+"="+v)
	}
	slices.SortFunc(list, cmp.Compare)
	return strings.Join(list, ",")
}
