package topology

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// gateway is a Gateway with the search for its controller.
type gateway struct {
	item[gatewayv1.Gateway]
	search search
}

// The labels by which controllers mark the pods of one Gateway (GEP-1762, Envoy Gateway).
const (
	gatewayNameLabel           = "gateway.networking.k8s.io/gateway-name"
	envoyGatewayNameLabel      = "gateway.envoyproxy.io/owning-gateway-name"
	envoyGatewayNamespaceLabel = "gateway.envoyproxy.io/owning-gateway-namespace"
)

func (b *builder) gateways() map[name]*gateway {
	controllers := map[string]string{}
	for _, c := range read[gatewayv1.GatewayClass](b, gatewayGroup, "GatewayClass") {
		controllers[c.GetName()] = string(c.value.Spec.ControllerName)
	}
	out := map[name]*gateway{}
	for _, g := range read[gatewayv1.Gateway](b, gatewayGroup, "Gateway") {
		className := string(g.value.Spec.GatewayClassName)
		controller, known := controllers[className]
		s := search{class: class{"GatewayClass", className, controller}, pods: b.gatewayPods(g.at())}
		if !known {
			s.problem = fmt.Sprintf("there is no GatewayClass %s: make it, or add it to the snapshot", className)
		}
		for _, a := range g.value.Status.Addresses {
			s.addresses = append(s.addresses, a.Value)
		}
		out[g.at()] = &gateway{g, s}
	}
	return out
}

func (b *builder) gatewayPods(at name) []*Pod {
	out := b.selectPods(at.namespace, map[string]string{gatewayNameLabel: at.name})
	for _, p := range b.cluster.Pods { // Envoy Gateway runs them in its own namespace
		if p.Labels[envoyGatewayNameLabel] == at.name && p.Labels[envoyGatewayNamespaceLabel] == at.namespace {
			out = append(out, p)
		}
	}
	return out
}

// admittedHost is a host name of a route that a listener serves.
type admittedHost struct {
	name string // empty for any
	tls  bool
}

// attach finds the listeners that admit a route, and the hosts that both have.
func (b *builder) attach(g *gateway, parent gatewayv1.ParentReference, route item[gatewayv1.HTTPRoute]) ([]admittedHost, string) {
	var hosts []admittedHost
	problem := fmt.Sprintf("Gateway %s has no HTTP or HTTPS listener that parentRefs names", g.at())
	for _, l := range g.value.Spec.Listeners {
		named := (parent.SectionName == nil || *parent.SectionName == l.Name) && (parent.Port == nil || *parent.Port == l.Port)
		if !named || l.Protocol != gatewayv1.HTTPProtocolType && l.Protocol != gatewayv1.HTTPSProtocolType {
			continue
		}
		if !b.admits(g, l, route) {
			problem = fmt.Sprintf("listener %s of Gateway %s does not allow HTTPRoutes of namespace %s: see its allowedRoutes", l.Name, g.at(), route.GetNamespace())
			continue
		}
		found := intersect(string(value(l.Hostname)), route.value.Spec.Hostnames)
		if len(found) == 0 {
			problem = fmt.Sprintf("no host name of the route matches listener %s of Gateway %s (%s)", l.Name, g.at(), value(l.Hostname))
		}
		for _, h := range found {
			hosts = addHost(hosts, admittedHost{h, l.Protocol == gatewayv1.HTTPSProtocolType})
		}
	}
	if len(hosts) > 0 {
		problem = ""
	}
	return hosts, problem
}

// addHost adds a host once; TLS on one of its listeners is enough.
func addHost(hosts []admittedHost, h admittedHost) []admittedHost {
	for i := range hosts {
		if hosts[i].name == h.name {
			hosts[i].tls = hosts[i].tls || h.tls
			return hosts
		}
	}
	return append(hosts, h)
}

func declaredHosts(names []gatewayv1.Hostname) []admittedHost {
	if len(names) == 0 {
		return []admittedHost{{}}
	}
	var out []admittedHost
	for _, n := range names {
		out = append(out, admittedHost{name: string(n)})
	}
	return out
}

// admits evaluates allowedRoutes, whose default is the Gateway's own namespace.
func (b *builder) admits(g *gateway, l gatewayv1.Listener, route item[gatewayv1.HTTPRoute]) bool {
	allowed := value(l.AllowedRoutes)
	if len(allowed.Kinds) > 0 && !slices.ContainsFunc(allowed.Kinds, func(k gatewayv1.RouteGroupKind) bool { return k.Kind == "HTTPRoute" }) {
		return false
	}
	namespaces := value(allowed.Namespaces)
	switch cmp.Or(value(namespaces.From), gatewayv1.NamespacesFromSame) {
	case gatewayv1.NamespacesFromAll:
		return true
	case gatewayv1.NamespacesFromSelector:
		selector, err := metav1.LabelSelectorAsSelector(namespaces.Selector)
		n := b.cluster.Namespaces[route.GetNamespace()]
		return err == nil && n != nil && selector.Matches(labels.Set(n.Labels))
	case gatewayv1.NamespacesFromSame:
		return g.GetNamespace() == route.GetNamespace()
	}
	return false
}

// intersect are the hosts that a listener and a route have in common, the narrower of
// each pair. An empty one stands for any host; a wildcard covers any number of labels.
func intersect(listener string, route []gatewayv1.Hostname) []string {
	if len(route) == 0 {
		return []string{listener}
	}
	var out []string
	for _, h := range route {
		switch host := string(h); {
		case listener == "" || covers(listener, host):
			out = append(out, host)
		case covers(host, listener):
			out = append(out, listener)
		}
	}
	return out
}

func covers(pattern, host string) bool {
	suffix, wildcard := strings.CutPrefix(pattern, "*")
	return pattern == host || wildcard && strings.HasSuffix(host, suffix) && len(host) > len(suffix)
}

// grants are the ReferenceGrants of each namespace.
type grants map[string][]gatewayv1.ReferenceGrantSpec

func (b *builder) referenceGrants() grants {
	out := grants{}
	for _, g := range read[gatewayv1.ReferenceGrant](b, gatewayGroup, "ReferenceGrant") {
		out[g.GetNamespace()] = append(out[g.GetNamespace()], g.value.Spec)
	}
	return out
}

// allow tells whether a grant lets a kind of route of one namespace use a Service of another.
func (g grants) allow(kind, from string, service name) bool {
	return slices.ContainsFunc(g[service.namespace], func(s gatewayv1.ReferenceGrantSpec) bool {
		return slices.ContainsFunc(s.From, func(f gatewayv1.ReferenceGrantFrom) bool {
			return string(f.Kind) == kind && string(f.Group) == gatewayGroup && string(f.Namespace) == from
		}) && slices.ContainsFunc(s.To, func(t gatewayv1.ReferenceGrantTo) bool {
			return t.Kind == "Service" && t.Group == "" && (t.Name == nil || string(*t.Name) == service.name)
		})
	})
}
