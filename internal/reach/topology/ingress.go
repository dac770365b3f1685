package topology

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
)

// routes takes what Ingress and HTTPRoute objects publish.
func (b *builder) routes() {
	r := newResolver(b)
	b.ingresses(r)
	b.httpRoutes(r)
	slices.SortStableFunc(b.cluster.Routes, func(p, q Route) int {
		return cmp.Or(cmp.Compare(p.Owner, q.Owner), cmp.Compare(p.Host, q.Host), cmp.Compare(p.Path, q.Path))
	})
}

func (b *builder) ingresses(r *resolver) {
	all := read[networkingv1.Ingress](b, "networking.k8s.io", "Ingress")
	classes := newIngressClasses(read[networkingv1.IngressClass](b, "networking.k8s.io", "IngressClass"))
	type key struct{ name, problem string } // one name may be known to an annotation alone
	wanted := map[key]*search{}
	find := func(i item[networkingv1.Ingress]) *search {
		class, problem := classes.of(i)
		at := key{class.name, problem}
		if wanted[at] == nil {
			wanted[at] = &search{class: class, problem: problem}
		}
		return wanted[at]
	}
	for _, i := range all {
		s := find(i)
		s.addresses = append(s.addresses, statusAddresses(i)...)
	}
	for _, i := range all {
		controller, problem := r.resolve(find(i))
		for _, route := range ingressRoutes(i) {
			route.Controller, route.Problem, route.Addresses = controller, problem, statusAddresses(i)
			b.cluster.Routes = append(b.cluster.Routes, route)
		}
	}
}

func statusAddresses(i item[networkingv1.Ingress]) []string {
	var out []string
	for _, in := range i.value.Status.LoadBalancer.Ingress {
		if address := cmp.Or(in.IP, in.Hostname); address != "" {
			out = append(out, address)
		}
	}
	return out
}

// ingressRoutes are the hosts and paths of an Ingress; of two alike the first counts.
func ingressRoutes(i item[networkingv1.Ingress]) []Route {
	var out []Route
	seen := map[[3]string]bool{}
	add := func(host, path, pathType string, backend networkingv1.IngressBackend) {
		if key := [3]string{host, path, pathType}; !seen[key] {
			seen[key] = true
			out = append(out, Route{
				Owner: "ingress/" + i.at().String(), Host: host, Path: path, PathType: pathType,
				TLS: hasTLS(i.value.Spec.TLS, host), Backends: []Backend{ingressBackend(i.GetNamespace(), backend)},
			})
		}
	}
	for _, rule := range i.value.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for _, p := range rule.HTTP.Paths {
			add(rule.Host, cmp.Or(p.Path, "/"), string(cmp.Or(value(p.PathType), networkingv1.PathTypeImplementationSpecific)), p.Backend)
		}
	}
	if backend := i.value.Spec.DefaultBackend; backend != nil {
		for _, host := range append(hostsWithoutPaths(i.value.Spec.Rules), "") {
			add(host, "/", string(networkingv1.PathTypePrefix), *backend)
		}
	}
	return out
}

// hostsWithoutPaths are hosts that go to the default backend.
func hostsWithoutPaths(rules []networkingv1.IngressRule) []string {
	var out []string
	for _, rule := range rules {
		if rule.HTTP == nil {
			out = append(out, rule.Host)
		}
	}
	return out
}

func ingressBackend(namespace string, backend networkingv1.IngressBackend) Backend {
	out := Backend{Namespace: namespace, Weight: 1}
	switch {
	case backend.Service != nil:
		out.Service = backend.Service.Name
		out.Port = portNumber(backend.Service.Port.Number)
		out.PortName = backend.Service.Port.Name
	case backend.Resource != nil:
		out.Problem = fmt.Sprintf("the backend is the %s %s, no Service: its reachability is not known", backend.Resource.Kind, backend.Resource.Name)
	default:
		out.Problem = "the backend names no Service: set backend.service"
	}
	return out
}

func hasTLS(tls []networkingv1.IngressTLS, host string) bool {
	return slices.ContainsFunc(tls, func(t networkingv1.IngressTLS) bool {
		return len(t.Hosts) == 0 || slices.ContainsFunc(t.Hosts, func(h string) bool { return hostMatches(h, host) })
	})
}

// hostMatches tells whether a host, or a wildcard for one label of it, covers another.
func hostMatches(pattern, host string) bool {
	if pattern == host {
		return true
	}
	suffix, wildcard := strings.CutPrefix(pattern, "*")
	first, rest, _ := strings.Cut(host, ".")
	return wildcard && first != "" && "."+rest == suffix
}
