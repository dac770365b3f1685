package model

import (
	"slices"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// published decides whether sources get through to everything behind an Ingress or
// HTTPRoute: to its controller, and from there to every backend.
func (m *Model) published(sources []end, outside bool, owner string, e reach.Edge) finding {
	routes := m.index.routes[owner]
	if len(routes) == 0 {
		return failed("there is no %s with a rule in the cluster", owner)
	}
	routes, problem := choose(routes, e.Host, e.Path)
	if problem != "" {
		return failed("%s %s", owner, problem)
	}
	steps := make([]func() finding, len(routes))
	for i, r := range routes {
		steps[i] = func() finding { return m.route(sources, outside, r) }
	}
	return inOrder(steps...)
}

func (m *Model) route(sources []end, outside bool, r *topology.Route) finding {
	controller, problem := controllerEnds(r)
	if problem != nil {
		return *problem
	}
	var steps []func() finding
	if !r.Controller.External {
		steps = append(steps, func() finding { return m.entry(sources, outside, r) })
	}
	served := r.Redirect
	for _, b := range r.Backends {
		if b.Weight != 0 {
			served = true
			steps = append(steps, func() finding { return m.backend(controller, r, b) })
		}
	}
	if !served {
		return unreachable("%s has no backend that takes traffic", r.Owner)
	}
	return inOrder(steps...)
}

// controllerEnds are the ready pods of the controller that serves a route; of a load
// balancer that is no part of the cluster, the outside.
func controllerEnds(r *topology.Route) ([]end, *finding) {
	c := r.Controller
	if c == nil {
		f := unreachable("no ingress controller serves %s%s", r.Owner, detail(r.Problem))
		return nil, &f
	}
	if c.External {
		return []end{outsideEnd()}, nil
	}
	var ready []*topology.Pod
	for _, p := range c.Pods {
		if p.Ready {
			ready = append(ready, p)
		}
	}
	if len(ready) > 0 {
		return podEnds(ready), nil
	}
	f := unreachable("ingress controller %s of class %s has no pods", c.Workload, c.Class)
	if len(c.Pods) > 0 {
		f = unreachable("no pod of ingress controller %s is ready: pod %s/%s%s", c.Workload, c.Pods[0].Namespace, c.Pods[0].Name, because(c.Pods[0]))
	}
	return nil, &f
}

func detail(problem string) string {
	if problem == "" {
		return ""
	}
	return ": " + problem
}

func (m *Model) backend(controller []end, r *topology.Route, b topology.Backend) finding {
	name := b.Namespace + "/" + b.Service
	if b.Problem != "" {
		return unreachable("%s may not use Service %s: %s", r.Owner, name, b.Problem)
	}
	s, ok := m.index.services["service/"+name]
	if !ok {
		return unreachable("%s sends requests to Service %s, which does not exist", r.Owner, name)
	}
	if b.PortName == "" {
		return m.service(controller, s, b.Port, topology.TCP)
	}
	at := slices.IndexFunc(s.Ports, func(p topology.ServicePort) bool { return p.Name == b.PortName })
	if at < 0 {
		return unreachable("%s sends requests to the port named %q of Service %s, which it does not have; it has %s", r.Owner, b.PortName, name, listPorts(s.Ports))
	}
	return m.service(controller, s, s.Ports[at].Number, s.Ports[at].Protocol)
}
