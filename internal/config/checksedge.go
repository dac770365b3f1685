package config

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/reach"
)

// check turns an edge as written into a Check; what is wrong with it goes to p.
func (e edge) check(p *problems, at []any) Check {
	field := func(name string) []any { return append(slices.Clone(at), name) }
	c := Check{Name: e.Name, Want: reach.Outcome(e.Expect), HTTP: e.HTTP, TLS: e.TLS, DNS: e.DNS, GRPC: e.GRPC, Source: p.doc.At(at...)}
	c.Edge = reach.Edge{From: e.from(p, field("from")), To: e.to(p, field("to")), Host: e.Host, Path: e.Path}
	published := isPublished(c.Edge.To)
	if published && e.Host != "" && e.Path == "" {
		c.Edge.Path = "/" // as discovered edges are written
	}
	if e.Name == "" {
		p.at(field("name"), " is missing: say in a few words what would be broken without this edge")
	}
	if e.Expect == "" {
		c.Want = reach.Reachable
	}
	p.choice(field("expect"), string(c.Want), string(reach.Reachable), string(reach.Unreachable))
	if c.Want == reach.Unreachable && (e.HTTP != nil || e.TLS != nil || e.DNS != nil || e.GRPC != nil) {
		p.at(at, ": http, tls, grpc and dns say what a reachable target answers: remove them, or expect reachable")
	}
	if e.Path != "" && !strings.HasPrefix(e.Path, "/") {
		p.at(field("path"), ": %q does not begin with a slash: write %q", e.Path, "/"+e.Path)
	}
	if strings.ContainsAny(e.Host, "/: ") {
		p.at(field("host"), ": %q is not a host name: leave out scheme, port and path", e.Host)
	}
	e.completeHTTP(p, field("http"), c.Edge.To)
	e.validateTLS(p, field("tls"))
	e.validateDNS(p, field("dns"), published)
	e.validateGRPC(p, field("grpc"), c.Edge.To)
	return c
}

func (e edge) from(p *problems, at []any) string {
	endpoint, ok := parse(p, at, e.From, "external, or a workload like deployment/NAMESPACE/NAME")
	if ok && (endpoint.Port != 0 || endpoint.Kind == "service") {
		p.at(at, ": %q cannot be where a connection starts: write external, ingress/…, httproute/…, pod/… or a workload, without a port", e.From)
	}
	return endpoint.String()
}

func (e edge) to(p *problems, at []any) string {
	endpoint, ok := parse(p, at, e.To, "a target like service/NAMESPACE/NAME:PORT")
	switch {
	case !ok:
	case endpoint.Kind == reach.External:
		p.at(at, ": external is no target: write ip/ADDRESS:PORT")
	case endpoint.Port == 0 && endpoint.Kind != "ingress" && endpoint.Kind != "httproute":
		p.at(at, ": %q has no port: write %s:PORT", e.To, e.To)
	}
	return endpoint.String()
}

func parse(p *problems, at []any, s, example string) (reach.Endpoint, bool) {
	if s == "" {
		p.at(at, " is missing: write %s", example)
		return reach.Endpoint{}, false
	}
	endpoint, err := reach.ParseEndpoint(s)
	if err != nil {
		p.at(at, ": %v", err)
	}
	return endpoint, err == nil
}

// isPublished tells whether a target is what an Ingress or HTTPRoute publishes.
func isPublished(to string) bool {
	return strings.HasPrefix(to, "ingress/") || strings.HasPrefix(to, "httproute/")
}

// completeHTTP fills in the defaults of an HTTP check and validates it. The scheme of what
// is published is left to its route, unless it is given.
func (e edge) completeHTTP(p *problems, at []any, to string) {
	h := e.HTTP
	if h == nil {
		return
	}
	field := func(name string) []any { return append(slices.Clone(at), name) }
	switch {
	case h.Scheme != "":
		p.choice(field("scheme"), h.Scheme, "http", "https")
	case e.TLS != nil || strings.HasSuffix(to, ":443/TCP"):
		h.Scheme = "https"
	case !isPublished(to):
		h.Scheme = "http"
	}
	if h.Method == "" {
		h.Method = http.MethodGet
	}
	p.choice(field("method"), h.Method, http.MethodGet, http.MethodHead, http.MethodOptions)
	for i, status := range h.Status {
		if status < 100 || status > 599 {
			p.at(append(field("status"), i), ": %d is not an HTTP status: write one from 100 to 599", status)
		}
	}
	if e.TLS != nil && h.Scheme == "http" {
		p.at(field("scheme"), ": http has no certificate that tls could check: write https, or remove tls")
	}
}

// validateTLS refuses a check that could not tell whose certificate it sees.
func (e edge) validateTLS(p *problems, at []any) {
	t := e.TLS
	if t == nil {
		return
	}
	if t.CAFile != "" {
		readCA(p, append(slices.Clone(at), "caFile"), t)
	}
	if t.ServerName == "" && e.Host == "" {
		p.at(append(slices.Clone(at), "serverName"), " is missing: write the name that the certificate must be for, or set host")
	}
}

func (e edge) validateDNS(p *problems, at []any, published bool) {
	d := e.DNS
	if d == nil {
		return
	}
	if d.Address == "ingress" && !published {
		p.at(append(slices.Clone(at), "address"), ": ingress stands for the addresses of what to names: write to: ingress/NAMESPACE/NAME, or an IP address")
	}
	if d.Name == "" {
		p.at(append(at, "name"), " is missing: write the name to resolve")
	}
	if _, err := netip.ParseAddr(d.Address); err != nil && d.Address != "" && d.Address != "ingress" {
		p.at(append(at, "address"), ": %q is neither an IP address nor ingress", d.Address)
	}
	if host, port, err := net.SplitHostPort(d.Server); d.Server != "" && (err != nil || host == "" || port == "") {
		p.at(append(at, "server"), ": %q is not a DNS server: write HOST:PORT", d.Server)
	}
}

func (e edge) validateGRPC(p *problems, at []any, to string) {
	switch {
	case e.GRPC == nil:
	case e.HTTP != nil:
		p.at(at, ": a target is asked over gRPC or over HTTP: remove grpc or http")
	case !strings.HasSuffix(to, "/TCP"):
		p.at(at, ": gRPC health is asked of a Service, a workload or an address with a TCP port: write to: service/NAMESPACE/NAME:PORT")
	}
}

// checkPattern validates a pair of endpoint patterns, "FROM -> TO".
func checkPattern(pattern string) error {
	from, to, ok := strings.Cut(pattern, " -> ")
	if !ok {
		return fmt.Errorf("%q is not a pattern for edges: write \"FROM -> TO\", where * stands for any part of a name", pattern)
	}
	for _, side := range []string{from, to} {
		if _, err := path.Match(strings.TrimSpace(side), ""); err != nil {
			return fmt.Errorf("%q is not a pattern: %w", side, err)
		}
	}
	return nil
}
