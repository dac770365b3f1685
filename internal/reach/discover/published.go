package discover

import (
	"strings"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// routes adds, for each Ingress and HTTPRoute, the way in for every host and path, and
// the way from the controller to every backend.
func (f *finder) routes() {
	for _, r := range f.cluster.Routes {
		source := sourceOf(r.Owner)
		f.add(reach.Edge{From: reach.External, To: r.Owner, Host: r.Host, Path: r.Path}, source)
		for _, b := range r.Backends {
			if to, ok := f.backend(b); ok && b.Weight > 0 {
				f.add(reach.Edge{From: r.Owner, To: to}, source)
			}
		}
	}
}

// backend is the endpoint of a backend. One whose port cannot be told has none: the way
// in, which leads through it, says why.
func (f *finder) backend(b topology.Backend) (string, bool) {
	if b.Problem != "" || b.Service == "" {
		return "", false
	}
	port := topology.ServicePort{Number: b.Port, Protocol: topology.TCP}
	if b.PortName != "" {
		port.Number = 0
		for _, s := range f.cluster.Services {
			if s.Namespace == b.Namespace && s.Name == b.Service {
				port.Number = portNamed(s, b.PortName)
			}
		}
	}
	return serviceEndpoint(b.Namespace, b.Service, port), port.Number != 0
}

func portNamed(s *topology.Service, name string) uint16 {
	for _, p := range s.Ports {
		if p.Name == name {
			return p.Number
		}
	}
	return 0
}

// publicServices adds the Services that are open to the outside.
func (f *finder) publicServices() {
	for _, s := range f.cluster.Services {
		if s.Type != "LoadBalancer" && s.Type != "NodePort" {
			continue
		}
		for _, p := range s.Ports {
			f.add(reach.Edge{From: reach.External, To: serviceEndpoint(s.Namespace, s.Name, p)}, "Service "+s.Namespace+"/"+s.Name)
		}
	}
}

func serviceEndpoint(namespace, name string, p topology.ServicePort) string {
	return reach.Endpoint{Kind: "service", Namespace: namespace, Name: name, Port: p.Number, Protocol: string(p.Protocol)}.String()
}

// sourceOf names an object for people: "Ingress shop/web" of "ingress/shop/web".
func sourceOf(owner string) string {
	kind, object, _ := strings.Cut(owner, "/")
	if kind == "httproute" {
		return "HTTPRoute " + object
	}
	return "Ingress " + object
}
