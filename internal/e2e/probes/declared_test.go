//go:build e2e

package probes_test

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/live"
)

// testDeclared holds answers against declared checks: HTTP, gRPC health and names.
func testDeclared(t *testing.T, w *world) {
	node := w.node()
	const grpc, web, plain = "deployment/traefik/traefik -> service/shop/podinfo:9999/TCP", "deployment/traefik/traefik -> service/shop/podinfo:80/TCP",
		"deployment/shop/podinfo -> service/shop/podinfo:80/TCP"
	server, elsewhere := nameServer(t, node), nameServer(t, "192.0.2.7")
	tests := []struct {
		edge    string
		check   config.Check
		outcome reach.Outcome
		reason  string
	}{
		{published, config.Check{HTTP: &config.HTTPCheck{Status: []int{200}, BodyContains: "podinfo"}}, reach.Reachable, "HTTP 200"},
		{published, config.Check{HTTP: &config.HTTPCheck{Status: []int{204}}}, reach.Unreachable, "not 204"},
		{grpc, config.Check{GRPC: &config.GRPCCheck{Service: "podinfo"}}, reach.Reachable, "SERVING"},
		{grpc, config.Check{GRPC: &config.GRPCCheck{Service: "nobody"}}, reach.Unreachable, "gRPC status 5"},
		{web, config.Check{GRPC: &config.GRPCCheck{}}, reach.Error, ""},
		{plain, config.Check{DNS: &config.DNSCheck{Name: "podinfo.shop.svc.cluster.local"}}, reach.Reachable, ""},
		{plain, config.Check{DNS: &config.DNSCheck{Name: "nobody.elsewhere.svc.cluster.local"}}, reach.Unreachable, "does not resolve"},
		{published, config.Check{DNS: &config.DNSCheck{Name: "shop.example", Address: "ingress", Server: server}}, reach.Reachable, ""},
		{published, config.Check{DNS: &config.DNSCheck{Name: "shop.example", Address: "ingress", Server: elsewhere}}, reach.Unreachable, "resolves to 192.0.2.7, not to " + node},
	}
	options := live.Options{}
	var edges []reach.Expectation
	for i, test := range tests {
		e := expect(test.edge)[0]
		e.Name = strconv.Itoa(i)
		test.check.Name, test.check.Edge = e.Name, e.Edge
		options.Checks = append(options.Checks, test.check)
		edges = append(edges, e)
	}
	p := w.prober("run-declared", options)
	for i, test := range tests { // one by one, since edges are equal
		m, err := p.Probe(t.Context(), w.topology(), edges[i:i+1])
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Edges[0]; got.Outcome != test.outcome || !strings.Contains(got.Reason, test.reason) {
			t.Errorf("%s %+v: %s: %s\n\twant %s: %s", test.edge, test.check, got.Outcome, got.Reason, test.outcome, test.reason)
		}
	}
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// nameServer is a DNS server on this machine that answers every question with an address.
func nameServer(t *testing.T, address string) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if err := m.Unpack(buffer[:n]); err != nil {
				continue
			}
			m.Response, m.Additionals = true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				a := dnsmessage.AResource{A: netip.MustParseAddr(address).As4()}
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 1}, Body: &a}}
			}
			if packed, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(packed, from)
			}
		}
	}()
	return conn.LocalAddr().String()
}
