package model

import (
	"context"
	"net/netip"
	"slices"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// Evaluate finds the outcome of each edge, in the grade modelled, sorted. An edge is
// reachable if every pod of its source reaches everything that requests can be sent on
// to: each ready endpoint of a Service, each backend of a route. What cannot be found or
// understood, or was not evaluated before the context ended, is an error with its reason.
func (m *Model) Evaluate(ctx context.Context, edges []reach.Edge) reach.Matrix {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := reach.Matrix{Grade: reach.Modelled, Notes: m.notes, Edges: make([]reach.Result, 0, len(edges))}
	for _, e := range edges {
		f := failed("not evaluated: %v", ctx.Err())
		if ctx.Err() == nil {
			f = m.edge(e)
		}
		out.Edges = append(out.Edges, reach.Result{Edge: e, Outcome: f.outcome, Reason: f.reason, Cause: f.cause})
	}
	out.Sort()
	return out
}

func (m *Model) edge(e reach.Edge) finding {
	from, err := reach.ParseEndpoint(e.From)
	if err != nil {
		return failed("%v", err)
	}
	to, err := reach.ParseEndpoint(e.To)
	if err != nil {
		return failed("%v", err)
	}
	sources, problem := m.sources(from)
	if problem != nil {
		return *problem
	}
	if broken := m.index.broken(from, to, sources); broken != "" {
		return takesPart(broken)
	}
	outside := from.Kind == reach.External
	switch to.Kind {
	case reach.External:
		return failed("external is no target: name an address, as ip/ADDRESS:PORT/PROTOCOL")
	case "ingress", "httproute":
		return m.published(sources, outside, to.String(), e)
	case "service":
		return m.toService(sources, outside, to)
	case "ip":
		return m.toAddress(sources, outside, to)
	}
	return m.toPods(sources, outside, to)
}

// takesPart is the finding where an object that could not be read may decide.
func takesPart(problem string) finding {
	return failed("an object that could not be read may take part: %s", problem)
}

// sources are the ends that an edge starts from.
func (m *Model) sources(from reach.Endpoint) ([]end, *finding) {
	var f finding
	switch from.Kind {
	case reach.External:
		return []end{outsideEnd()}, nil
	case "ingress", "httproute":
		return m.controllers(from)
	case "service", "ip":
		f = failed("%s is no source: use external, an ingress, a workload or a pod", from)
		return nil, &f
	}
	pods := m.pods(from)
	if len(pods) == 0 {
		f = failed("there is no pod of %s to send from", from.Bare())
		return nil, &f
	}
	return podEnds(pods), nil
}

// controllers are the pods that serve the routes of an owner.
func (m *Model) controllers(from reach.Endpoint) ([]end, *finding) {
	routes := m.index.routes[from.String()]
	if len(routes) == 0 {
		f := failed("there is no %s with a rule in the cluster", from)
		return nil, &f
	}
	var out []end
	for _, r := range routes {
		ends, problem := controllerEnds(r)
		if problem != nil {
			return nil, problem
		}
		for _, e := range ends {
			if !slices.ContainsFunc(out, func(o end) bool { return o.name == e.name }) {
				out = append(out, e)
			}
		}
	}
	return out, nil
}

func (m *Model) pods(e reach.Endpoint) []*topology.Pod {
	name := e.Bare()
	if e.Kind == "pod" {
		if p, ok := m.index.pods[name]; ok {
			return []*topology.Pod{p}
		}
		return nil
	}
	return m.index.workloads[name]
}

func (m *Model) toService(sources []end, outside bool, to reach.Endpoint) finding {
	s, ok := m.index.services[to.Bare()]
	if !ok {
		return failed("there is no Service %s/%s in the cluster", to.Namespace, to.Name)
	}
	if outside && !open(s) {
		return unreachable("Service %s/%s is of type %s, which is not published outside the cluster", s.Namespace, s.Name, s.Type)
	}
	if refused := turnedAway(outside, s); refused != nil {
		return *refused
	}
	return m.service(sources, s, to.Port, topology.Protocol(to.Protocol))
}

// toAddress takes an address of a pod or Service as that pod or Service. Of any other
// address only egress is known.
func (m *Model) toAddress(sources []end, outside bool, to reach.Endpoint) finding {
	addr, err := netip.ParseAddr(to.Name)
	switch {
	case err != nil:
		return failed("%s: %v", to, err)
	case outside:
		return failed("%s from outside does not touch the cluster", to)
	}
	protocol := topology.Protocol(to.Protocol)
	if s, ok := m.index.byCluster[addr]; ok {
		return m.service(sources, s, to.Port, protocol)
	}
	dst := end{ips: []netip.Addr{addr}, name: "address " + to.Name}
	if p, ok := m.index.byAddr[addr]; ok {
		dst.pod, dst.name = p, podEnd(p).name
	}
	return m.spread(sources, []door{{dst, to.Port, protocol}}, "addresses")
}

// toPods is a pod, or every ready pod of a workload, past any Service.
func (m *Model) toPods(sources []end, outside bool, to reach.Endpoint) finding {
	if to.Port == 0 {
		return failed("%s needs a port: write %s:PORT/PROTOCOL", to, to)
	}
	pods := m.pods(to)
	if len(pods) == 0 {
		if m.index.known()[to.Bare()] {
			return unreachable("%s has no pods", to.Bare())
		}
		return failed("there is no %s in the cluster", to.Bare())
	}
	var doors []door
	for _, p := range pods {
		if outside && !p.HostNetwork {
			return failed("whether addresses of pods are routed from outside the cluster is not known: name an Ingress or Service")
		}
		if p.Ready {
			doors = append(doors, door{podEnd(p), to.Port, topology.Protocol(to.Protocol)})
		}
	}
	if len(doors) == 0 {
		return unreachable("pod %s/%s is not ready%s", pods[0].Namespace, pods[0].Name, because(pods[0]))
	}
	return m.spread(sources, doors, "pods of "+to.Bare())
}
