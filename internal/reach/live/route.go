package live

import (
	"cmp"
	"errors"
	"net"
	"strings"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/probe"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// unknownHost is a host that no route is for (RFC 6761 reserves the domain).
const unknownHost = "stagegate-control.invalid"

// routeGoals ask an ingress controller for what a route publishes.
func (p *planner) routeGoals(check config.Check, v vantage) ([]goal, *finding) {
	route := p.route(check.Edge.To, check.Edge.Host, check.Edge.Path)
	switch {
	case route == nil:
		return nil, nothingThere("%s does not publish %s%s", check.Edge.To, check.Edge.Host, check.Edge.Path)
	case route.Controller == nil:
		return nil, nothingThere("no ingress controller serves %s: %s", route.Owner, route.Problem)
	case !literal(check.Edge.Path, route.PathType):
		return nil, never("the path is a pattern, not one to ask for: declare a check with a path that it matches", "the path %s is a pattern, not one to ask for: declare a check with a path that it matches", check.Edge.Path)
	}
	scheme := "http"
	if route.TLS || check.TLS != nil {
		scheme = "https"
	}
	if check.HTTP != nil {
		scheme = cmp.Or(check.HTTP.Scheme, scheme)
	}
	at, resolve, err := p.through(route, v, scheme, host(check.Edge.Host))
	if err != nil {
		return nil, cannot("%v", err)
	}
	q := request(check, scheme, at, resolve)
	g := goal{target: probe.Target{Protocol: probe.HTTP, HTTP: &q}, judge: judgeHTTP(check, at, true), fleeting: at.fleeting}
	g.control = p.unknownRoute(route, scheme, at, q.Method)
	return []goal{g}, nil
}

// addBackends has the controller's stand-in open a new connection to each backend of a
// route. Controllers keep connections to backends open, and those outlive a policy that
// forbids new ones: HTTP alone would go on working until they are closed.
func (p *planner) addBackends(edge int, e reach.Expectation) {
	route := p.route(e.To, e.Host, e.Path)
	if route == nil || route.Controller == nil || route.Controller.External || route.Redirect {
		return
	}
	vantages, err := p.vantages(route.Owner)
	var standIn *noStandIn
	switch {
	case errors.As(err, &standIn):
		p.out.caveats[edge] = "new connections of the ingress controller to its backends are not tried: " + err.Error()
		return
	case err != nil:
		p.out.settled[edge] = unsent(err)
		return
	}
	for _, b := range route.Backends {
		to, ok := p.backend(b)
		if !ok {
			continue // the request tells what the controller makes of it
		}
		for _, v := range vantages {
			places, nothing := p.places(to, v)
			if nothing != nil {
				continue
			}
			for _, at := range places {
				p.attempt(edge, v, goal{target: probe.Target{Protocol: probe.TCP, Address: at.address}, judge: judgeBackend(at), fleeting: at.fleeting})
				p.askDirectly(edge, e, v, at)
			}
			for _, g := range p.eachNode(to, v, judgeBackend) {
				p.attempt(edge, v, g)
			}
		}
	}
}

// askDirectly keeps the request of an edge as it would be sent to a backend itself, for
// the case that the controller's answer is not told from the application's.
func (p *planner) askDirectly(edge int, e reach.Expectation, v vantage, at place) {
	check, declared := p.checks[checkKey(e.Name, e.Edge)]
	if _, known := p.out.direct[edge]; known || declared && check.HTTP != nil && len(check.HTTP.Status) > 0 {
		return
	}
	check.Edge = e.Edge
	var resolve map[string]string
	if h := host(e.Host); h != "" {
		resolve = map[string]string{net.JoinHostPort(h, portOf("http")): at.address}
	}
	q := request(check, "http", at, resolve)
	p.out.direct[edge] = direct{from: v.key(), target: p.number(probe.Target{Protocol: probe.HTTP, HTTP: &q})}
}

func judgeBackend(at place) judgement {
	connect := judgeTCP(at)
	return func(r probe.Result, b beside) finding {
		f := connect(r, b)
		if f.outcome == reach.Unreachable {
			f.reason = "new connections of the ingress controller to its backend fail: " + f.reason
		}
		return f
	}
}

// backend is the Service port that a backend names, if it takes traffic.
func (p *planner) backend(b topology.Backend) (reach.Endpoint, bool) {
	service := p.service(b.Namespace, b.Service)
	if service == nil || b.Weight == 0 || b.Problem != "" {
		return reach.Endpoint{}, false
	}
	for _, port := range service.Ports {
		if port.Protocol == topology.TCP && (b.PortName != "" && port.Name == b.PortName || b.PortName == "" && port.Number == b.Port) {
			return reach.Endpoint{Kind: "service", Namespace: b.Namespace, Name: b.Service, Port: port.Number, Protocol: "TCP"}, true
		}
	}
	return reach.Endpoint{}, false
}

// literal tells whether a path can be asked for as it stands.
func literal(path, pathType string) bool {
	return pathType == "Exact" || pathType == "Prefix" || pathType == "PathPrefix" || !strings.ContainsAny(path, `*()[]{}^$|+?\`)
}

// host is one that the host of a route matches: "*.shop.example" is asked for as
// "stagegate.shop.example". Empty is any.
func host(pattern string) string {
	switch {
	case pattern == "*":
		return ""
	case strings.HasPrefix(pattern, "*."):
		return "stagegate" + pattern[1:]
	}
	return pattern
}

// through is where to send a request for a host, and what the host's ports resolve to.
func (p *planner) through(route *topology.Route, v vantage, scheme, host string) (place, map[string]string, error) {
	find := innerDoor
	switch {
	case route.Controller.External:
		find = func(_ *topology.Controller, scheme string) (place, error) {
			return publishedDoor(route, scheme)
		}
	case v.outside():
		find = p.outerDoor
	}
	at, err := find(route.Controller, scheme)
	if err != nil || host == "" {
		return at, nil, err
	}
	resolve := map[string]string{net.JoinHostPort(host, portOf(scheme)): at.address}
	if scheme == "http" {
		if secure, err := find(route.Controller, "https"); err == nil { // for redirects to it
			resolve[net.JoinHostPort(host, portOf("https"))] = secure.address
		}
	}
	return at, resolve, nil
}

func portOf(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}

// request is for the host and path of a check's edge, at a place.
func request(check config.Check, scheme string, at place, resolve map[string]string) probe.Request {
	authority := cmp.Or(host(check.Edge.Host), at.address)
	path := "/" + strings.TrimPrefix(check.Edge.Path, "/")
	q := probe.Request{URL: scheme + "://" + authority + path, Resolve: resolve, FollowHere: true}
	if check.TLS != nil {
		q.ServerName = check.TLS.ServerName
	}
	if h := check.HTTP; h != nil {
		q.Method, q.Contains = h.Method, h.BodyContains
		q.FollowRedirects, q.FollowHere = h.FollowRedirects, false
		for name := range h.Header {
			q.NoteHeaders = append(q.NoteHeaders, name)
		}
	}
	return q
}

// unknownRoute asks the controller for what no route publishes. Where some route takes
// every host and path there is nothing such, and nil is returned.
func (p *planner) unknownRoute(route *topology.Route, scheme string, at place, method string) *probe.Target {
	for _, r := range p.topo.Routes {
		if host(r.Host) == "" && (r.Path == "" || r.Path == "/") && r.PathType != "Exact" && r.Controller == route.Controller {
			return nil
		}
	}
	q := probe.Request{
		Method:  method,
		URL:     scheme + "://" + unknownHost + "/stagegate-control",
		Resolve: map[string]string{net.JoinHostPort(unknownHost, portOf(scheme)): at.address},
	}
	return &probe.Target{Protocol: probe.HTTP, HTTP: &q}
}

// declaredHTTPGoal is for a Service, pod or address with a declared HTTP or TLS check.
func (p *planner) declaredHTTPGoal(check config.Check, at place) goal {
	scheme := "http"
	if check.TLS != nil {
		scheme = "https"
	}
	if check.HTTP != nil {
		scheme = cmp.Or(check.HTTP.Scheme, scheme)
	}
	var resolve map[string]string
	if h := host(check.Edge.Host); h != "" {
		resolve = map[string]string{net.JoinHostPort(h, portOf(scheme)): at.address}
	}
	q := request(check, scheme, at, resolve)
	return goal{target: probe.Target{Protocol: probe.HTTP, HTTP: &q}, judge: judgeHTTP(check, at, false)}
}
