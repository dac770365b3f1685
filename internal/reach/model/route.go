package model

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// published decides whether sources get through to everything behind an Ingress or
// HTTPRoute: to its controller, and from there to every backend.
func (m *Model) published(sources []end, outside bool, e reach.Edge) finding {
	routes := m.index.routes[e.To]
	if len(routes) == 0 {
		return failed("there is no %s with a rule in the cluster", e.To)
	}
	routes, problem := choose(routes, e.Host, e.Path)
	if problem != "" {
		return failed("%s %s", e.To, problem)
	}
	steps := make([]func() finding, len(routes))
	for i, r := range routes {
		steps[i] = func() finding { return m.route(sources, outside, r) }
	}
	return inOrder(steps...)
}

func (m *Model) route(sources []end, outside bool, r *topology.Route) finding {
	pods, problem := controllerPods(r)
	if problem != nil {
		return *problem
	}
	steps := []func() finding{func() finding { return m.entry(sources, outside, r) }}
	for _, b := range r.Backends {
		if b.Weight != 0 {
			steps = append(steps, func() finding { return m.backend(podEnds(pods), r, b) })
		}
	}
	if len(steps) == 1 {
		return unreachable("%s has no backend that takes traffic", r.Owner)
	}
	return inOrder(steps...)
}

// controllerPods are the ready pods of the controller that serves a route.
func controllerPods(r *topology.Route) ([]*topology.Pod, *finding) {
	if r.Controller == nil {
		f := unreachable("no ingress controller serves %s%s", r.Owner, detail(r.Problem))
		return nil, &f
	}
	var ready []*topology.Pod
	for _, p := range r.Controller.Pods {
		if p.Ready {
			ready = append(ready, p)
		}
	}
	if len(ready) > 0 {
		return ready, nil
	}
	f := unreachable("ingress controller %s of class %s has no pods", r.Controller.Workload, r.Controller.Class)
	if pods := r.Controller.Pods; len(pods) > 0 {
		f = unreachable("no pod of ingress controller %s is ready: pod %s/%s%s", r.Controller.Workload, pods[0].Namespace, pods[0].Name, because(pods[0]))
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

// choose finds the routes that an edge is about: all of them where it names no host and
// path, the ones that are written so, or else the ones that would serve such a request.
func choose(routes []*topology.Route, host, path string) ([]*topology.Route, string) {
	if host == "" && path == "" {
		return routes, ""
	}
	exact := filter(routes, func(r *topology.Route) bool { return r.Host == host && r.Path == path })
	if len(exact) > 0 {
		return exact, ""
	}
	byHost := filter(routes, func(r *topology.Route) bool { return r.Host == host })
	if len(byHost) == 0 || host == "" {
		byHost = filter(routes, func(r *topology.Route) bool { return hostMatches(r.Host, host) })
	}
	if len(byHost) == 0 {
		return nil, fmt.Sprintf("has no rule for host %q", host)
	}
	if path == "" {
		return byHost, ""
	}
	longest := -1
	for _, r := range byHost {
		if pathMatches(r, path) {
			longest = max(longest, len(r.Path))
		}
	}
	best := filter(byHost, func(r *topology.Route) bool { return len(r.Path) == longest && pathMatches(r, path) })
	if len(best) == 0 {
		return nil, fmt.Sprintf("has no rule for path %q of host %q", path, host)
	}
	return best, ""
}

func filter(routes []*topology.Route, keep func(*topology.Route) bool) []*topology.Route {
	var out []*topology.Route
	for _, r := range routes {
		if keep(r) {
			out = append(out, r)
		}
	}
	return out
}

// hostMatches follows Ingress: "*.example.com" is one label more than example.com.
func hostMatches(rule, host string) bool {
	if rule == "" || rule == "*" || host == "" {
		return true
	}
	suffix, wildcard := strings.CutPrefix(rule, "*")
	label, below := strings.CutSuffix(host, suffix)
	return rule == host || wildcard && below && label != "" && !strings.Contains(label, ".")
}

// pathMatches follows Ingress: a prefix ends at a slash.
func pathMatches(r *topology.Route, path string) bool {
	if r.PathType == "Exact" {
		return r.Path == path
	}
	prefix := strings.TrimSuffix(r.Path, "/")
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}
