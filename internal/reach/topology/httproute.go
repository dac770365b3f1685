package topology

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

const gatewayGroup = gatewayv1.GroupName

// httpRoutes takes what HTTPRoutes publish through the Gateways that admit them.
func (b *builder) httpRoutes(r *resolver) {
	routes := read[gatewayv1.HTTPRoute](b, gatewayGroup, "HTTPRoute")
	if len(routes) == 0 {
		return
	}
	gateways, grants := b.gateways(), b.referenceGrants()
	for _, route := range routes {
		b.httpRoute(r, route, gateways, grants)
	}
}

func (b *builder) httpRoute(r *resolver, route item[gatewayv1.HTTPRoute], gateways map[name]*gateway, grants grants) {
	owner := "httproute/" + route.at().String()
	var problems []string
	attached := false
	for _, parent := range route.value.Spec.ParentRefs {
		if value(parent.Kind) != "" && value(parent.Kind) != "Gateway" {
			continue // of a mesh
		}
		at := name{string(cmp.Or(value(parent.Namespace), gatewayv1.Namespace(route.GetNamespace()))), string(parent.Name)}
		g, ok := gateways[at]
		if !ok {
			problems = append(problems, fmt.Sprintf("there is no Gateway %s: make it, or correct parentRefs", at))
			continue
		}
		hosts, problem := b.attach(g, parent, route)
		if problem != "" {
			problems = append(problems, problem)
			continue
		}
		attached = true
		controller, problem := r.resolve(&g.search)
		for _, out := range b.routeRules(route, hosts, grants) {
			out.Owner, out.Controller, out.Problem, out.Addresses = owner, controller, problem, g.search.addresses
			b.addRoute(out)
		}
	}
	if attached || len(problems) == 0 { // without a Gateway it is no way in from outside
		return
	}
	for _, out := range b.routeRules(route, declaredHosts(route.value.Spec.Hostnames), grants) {
		out.Owner, out.Problem = owner, strings.Join(problems, "; ")
		b.addRoute(out)
	}
}

// addRoute adds a route, or its backends to the same host and path of the same owner and
// controller: rules may differ in headers and methods alone.
func (b *builder) addRoute(r Route) {
	for i := len(b.cluster.Routes) - 1; i >= 0 && b.cluster.Routes[i].Owner == r.Owner; i-- {
		same := &b.cluster.Routes[i]
		if same.Host != r.Host || same.Path != r.Path || same.PathType != r.PathType || same.Controller != r.Controller {
			continue
		}
		same.Redirect = same.Redirect || r.Redirect
		same.TLS = same.TLS || r.TLS
		for _, backend := range r.Backends {
			if !slices.Contains(same.Backends, backend) {
				same.Backends = append(same.Backends, backend)
			}
		}
		return
	}
	b.cluster.Routes = append(b.cluster.Routes, r)
}

// routeRules are the hosts and paths of a route, for the hosts that its Gateway admits.
func (b *builder) routeRules(route item[gatewayv1.HTTPRoute], hosts []admittedHost, grants grants) []Route {
	var out []Route
	for _, rule := range route.value.Spec.Rules {
		backends := routeBackends(route.GetNamespace(), rule.BackendRefs, grants)
		redirect := slices.ContainsFunc(rule.Filters, func(f gatewayv1.HTTPRouteFilter) bool {
			return f.Type == gatewayv1.HTTPRouteFilterRequestRedirect
		})
		for _, path := range rulePaths(rule) {
			for _, host := range hosts {
				out = append(out, Route{
					Host: host.name, TLS: host.tls, Path: path[1], PathType: path[0],
					Redirect: redirect, Backends: backends,
				})
			}
		}
	}
	return out
}

// rulePaths are the types and paths of a rule's matches; without any, every path.
func rulePaths(rule gatewayv1.HTTPRouteRule) [][2]string {
	var out [][2]string
	for _, m := range rule.Matches {
		kind, path := gatewayv1.PathMatchPathPrefix, "/"
		if m.Path != nil {
			kind, path = cmp.Or(value(m.Path.Type), kind), cmp.Or(value(m.Path.Value), path)
		}
		if pair := [2]string{strings.TrimPrefix(string(kind), "Path"), path}; !slices.Contains(out, pair) {
			out = append(out, pair)
		}
	}
	if len(out) == 0 {
		return [][2]string{{"Prefix", "/"}}
	}
	return out
}

func routeBackends(namespace string, refs []gatewayv1.HTTPBackendRef, grants grants) []Backend {
	var out []Backend
	for _, ref := range refs {
		backend := Backend{
			Namespace: string(cmp.Or(value(ref.Namespace), gatewayv1.Namespace(namespace))),
			Service:   string(ref.Name),
			Port:      portNumber(value(ref.Port)),
			Weight:    1,
		}
		if ref.Weight != nil {
			backend.Weight = *ref.Weight
		}
		kind := cmp.Or(value(ref.Kind), "Service")
		switch {
		case kind != "Service" || value(ref.Group) != "":
			backend.Problem = fmt.Sprintf("the backend is the %s %s, no Service: its reachability is not known", kind, ref.Name)
		case backend.Port == 0:
			backend.Problem = fmt.Sprintf("the backend %s has no port: set backendRefs.port", ref.Name)
		case backend.Namespace != namespace && !grants.allow("HTTPRoute", namespace, name{backend.Namespace, backend.Service}):
			backend.Problem = fmt.Sprintf("no ReferenceGrant in namespace %s allows HTTPRoutes of namespace %s to use Service %s", backend.Namespace, namespace, backend.Service)
		}
		out = append(out, backend)
	}
	return out
}
