package config_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/filetest"
	"github.com/stagegate/stagegate/internal/reach"
)

// checks is a checks file with the given lines of spec, from line 5 on.
func checks(spec ...string) string {
	return "apiVersion: stagegate.dev/v1alpha1\nkind: Checks\nmetadata: {name: c}\nspec:\n  " + strings.Join(spec, "\n  ") + "\n"
}

// loadChecks writes checks files a.yaml, b.yaml, … and loads them through an environment.
func loadChecks(t *testing.T, files ...string) (config.Checks, string, error) {
	t.Helper()
	dir := filetest.Directory(t, map[string]string{"ca.pem": "certificates"})
	e := &config.Environment{File: filepath.Join(dir, "e.yaml")}
	content := map[string]string{}
	for i, f := range files {
		name := string(rune('a'+i)) + ".yaml"
		content[name] = f
		e.Gate.Checks = append(e.Gate.Checks, filepath.Join(filetest.Directory(t, content), name))
	}
	if len(files) == 1 { // in the environment's own directory
		dir = filepath.Dir(e.Gate.Checks[0])
		e.File, e.Gate.Checks = filepath.Join(dir, "e.yaml"), []string{"a.yaml"}
	}
	c, err := e.LoadChecks()
	return c, dir, err
}

func TestLoadChecks(t *testing.T) {
	c, dir, err := loadChecks(t, checks(
		`discover: {ingresses: false, services: all, exclude: ["deployment/ci/* -> *"]}`,
		"edges:",
		"- {name: pays, from: deployment/shop/checkout, to: service/payments/api:443, http: {status: [200], header: {X: y}, bodyContains: ok}, tls: {minValidity: 168h, serverName: pay.example}}",
		"- {name: shop, from: external, to: ingress/shop/web, host: shop.example, path: /cart, http: , dns: {name: shop.example, address: ingress}}",
		"- {name: closed, from: pod/a/b, to: service/dns/dns:53/udp, expect: unreachable}",
	))
	if err != nil {
		t.Fatal(err)
	}
	want := config.Checks{
		Discover: config.Discover{Services: config.AllServices, Exclude: []string{"deployment/ci/* -> *"}},
		Checks: []config.Check{
			{
				Name: "pays", Edge: reach.Edge{From: "deployment/shop/checkout", To: "service/payments/api:443/TCP"}, Want: reach.Reachable,
				HTTP: &config.HTTPCheck{Scheme: "https", Method: "GET", Status: []int{200}, Header: map[string]string{"X": "y"}, BodyContains: "ok"},
				TLS:  &config.TLSCheck{MinValidity: 168 * time.Hour, ServerName: "pay.example"}, Source: filepath.Join(dir, "a.yaml") + ":7",
			},
			{
				Name: "shop", Edge: reach.Edge{From: "external", To: "ingress/shop/web", Host: "shop.example", Path: "/cart"}, Want: reach.Reachable,
				HTTP: &config.HTTPCheck{Method: "GET"}, DNS: &config.DNSCheck{Name: "shop.example", Address: "ingress"},
				Source: filepath.Join(dir, "a.yaml") + ":8",
			},
			{
				Name: "closed", Edge: reach.Edge{From: "pod/a/b", To: "service/dns/dns:53/UDP"}, Want: reach.Unreachable,
				Source: filepath.Join(dir, "a.yaml") + ":9",
			},
		},
		Files: []string{filepath.Join(dir, "a.yaml")},
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("checks (-want +got):\n%s", diff)
	}
}

func TestChecksAreMerged(t *testing.T) {
	first := checks("discover: {services: none}", "edges: [{name: a, from: external, to: ingress/a/a}]")
	second := checks("edges: [{name: b, from: external, to: ingress/b/b}]") + "---\n" + checks("discover: {services: none, exclude: ['* -> *']}")
	c, _, err := loadChecks(t, first, second)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config.Discover{Ingresses: true, Services: config.NoServices, Exclude: []string{"* -> *"}}, c.Discover); diff != "" {
		t.Errorf("discover (-want +got):\n%s", diff)
	}
	if len(c.Checks) != 2 {
		t.Errorf("checks = %v, want both files'", c.Checks)
	}
}

// The scheme of what is published is that of its route; that of a port has a default.
func TestScheme(t *testing.T) {
	for target, want := range map[string]string{
		"ingress/a/b": "", "httproute/a/b": "", "'service/a/b:80'": "http", "'service/a/b:443'": "https", "'pod/a/b:8080'": "http",
	} {
		c, _, err := loadChecks(t, checks("edges:", "- {name: a, from: external, to: "+target+", host: x, http: {}}"))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Checks[0].HTTP.Scheme; got != want {
			t.Errorf("%s: scheme %q, want %q", target, got, want)
		}
	}
}

// Whoever copies the examples of the documentation must not meet an error.
func TestExamplesOfTheDocumentation(t *testing.T) {
	for _, name := range []string{"live-probes.md"} {
		content, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
		if err != nil {
			t.Fatal(err)
		}
		examples := regexp.MustCompile("(?s)```yaml\nedges:\n(.*?)```").FindAllStringSubmatch(string(content), -1)
		if len(examples) == 0 {
			t.Errorf("%s has no example of edges", name)
		}
		for _, example := range examples {
			lines := strings.Split(strings.Trim(example[1], "\n"), "\n")
			if _, _, err := loadChecks(t, checks(append([]string{"edges:"}, lines...)...)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestChecksDigest(t *testing.T) {
	body := checks("edges: [{name: a, from: external, to: ingress/a/a}]")
	first, _, err := loadChecks(t, body)
	if err != nil {
		t.Fatal(err)
	}
	moved, _, err := loadChecks(t, "# moved by a line\n"+body)
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := loadChecks(t, strings.ReplaceAll(body, "ingress/a/a", "ingress/a/b"))
	if err != nil {
		t.Fatal(err)
	}
	if first.Digest() != moved.Digest() {
		t.Error("the digest depends on where the checks lie")
	}
	if first.Digest() == other.Digest() {
		t.Error("the digest does not depend on the edges")
	}
}

func TestCAFileIsPartOfTheChecks(t *testing.T) {
	dir := filetest.Directory(t, map[string]string{
		"c.yaml":  checks("edges: [{name: a, from: external, to: ingress/a/a, host: a.example, tls: {caFile: ca.pem}}]"),
		"ca.pem":  "certificates",
		"e1.yaml": environment("e1", embedded, "gate: {checks: [c.yaml]}"),
	})
	all, err := config.LoadDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	c, err := all[0].LoadChecks()
	if err != nil || c.Checks[0].TLS.CA != "certificates" {
		t.Errorf("checks = %+v, %v; want the content of ca.pem", c, err)
	}
}

func TestRefusedChecks(t *testing.T) {
	edge := func(fields string) []string { return []string{checks("edges:", "- {"+fields+"}")} }
	tests := map[string]struct {
		files []string
		want  string
	}{
		"nothing to protect": {
			[]string{checks("discover: {ingresses: false, services: none}")},
			"a.yaml:5: no edge is declared and discovery is off, so nothing would be protected: declare edges, or set discover.ingresses or discover.services",
		},
		"empty file":        {[]string{"# later\n"}, "a.yaml:1: the checks file is empty: write a document of kind Checks, or remove it from spec.gate.checks"},
		"other kind":        {[]string{environment("e", embedded)}, `a.yaml:2: expected kind Checks in a checks file, found "Environment"`},
		"no kind":           {[]string{"edges: []\n"}, `a.yaml:1: expected kind Checks in a checks file, found ""`},
		"unknown field":     {edge("nam: a"), "a.yaml:6: spec.edges[0].nam is not a field: did you mean name?"},
		"no name":           {edge("from: external, to: ingress/a/b"), "a.yaml:6: spec.edges[0].name is missing: say in a few words what would be broken without this edge"},
		"no from":           {edge("name: a, to: ingress/a/b"), "a.yaml:6: spec.edges[0].from is missing: write external, or a workload like deployment/NAMESPACE/NAME"},
		"no to":             {edge("name: a, from: external"), "a.yaml:6: spec.edges[0].to is missing: write a target like service/NAMESPACE/NAME:PORT"},
		"from a service":    {edge("name: a, from: 'service/a/b:80', to: ingress/a/b"), `a.yaml:6: spec.edges[0].from: "service/a/b:80" cannot be where a connection starts: write external, ingress/…, httproute/…, pod/… or a workload, without a port`},
		"to external":       {edge("name: a, from: external, to: external"), "a.yaml:6: spec.edges[0].to: external is no target: write ip/ADDRESS:PORT"},
		"to a bare pod":     {edge("name: a, from: external, to: pod/a/b"), `a.yaml:6: spec.edges[0].to: "pod/a/b" has no port: write pod/a/b:PORT`},
		"bad endpoint":      {edge("name: a, from: external, to: 'service/a/b:http'"), `a.yaml:6: spec.edges[0].to: reading endpoint "service/a/b:http": port "http": expected a number from 1 to 65535`},
		"bad expect":        {edge("name: a, from: external, to: ingress/a/b, expect: open"), `a.yaml:6: spec.edges[0].expect: "open" is not known: choose one of reachable, unreachable`},
		"closed HTTP":       {edge("name: a, from: external, to: ingress/a/b, expect: unreachable, http: {}"), "a.yaml:6: spec.edges[0]: http, tls, grpc and dns say what a reachable target answers: remove them, or expect reachable"},
		"relative path":     {edge("name: a, from: external, to: ingress/a/b, path: cart"), `a.yaml:6: spec.edges[0].path: "cart" does not begin with a slash: write "/cart"`},
		"URL as host":       {edge("name: a, from: external, to: ingress/a/b, host: 'https://x'"), `a.yaml:6: spec.edges[0].host: "https://x" is not a host name: leave out scheme, port and path`},
		"bad status":        {edge("name: a, from: external, to: ingress/a/b, http: {status: [2000]}"), "a.yaml:6: spec.edges[0].http.status[0]: 2000 is not an HTTP status: write one from 100 to 599"},
		"changing probe":    {edge("name: a, from: external, to: ingress/a/b, http: {method: DELETE}"), `a.yaml:6: spec.edges[0].http.method: "DELETE" is not known: choose one of GET, HEAD, OPTIONS`},
		"TLS over HTTP":     {edge("name: a, from: external, to: ingress/a/b, host: x, http: {scheme: http}, tls: {}"), "a.yaml:6: spec.edges[0].http.scheme: http has no certificate that tls could check: write https, or remove tls"},
		"no CA file":        {edge("name: a, from: external, to: ingress/a/b, host: x, tls: {caFile: no.pem}"), "a.yaml:6: spec.edges[0].tls.caFile: open DIR/no.pem: no such file or directory"},
		"HTTP and gRPC":     {edge("name: a, from: external, to: 'service/a/b:80', http: {}, grpc: {}"), "a.yaml:6: spec.edges[0].grpc: a target is asked over gRPC or over HTTP: remove grpc or http"},
		"gRPC to route":     {edge("name: a, from: external, to: ingress/a/b, grpc: {}"), "a.yaml:6: spec.edges[0].grpc: gRPC health is asked of a Service, a workload or an address with a TCP port: write to: service/NAMESPACE/NAME:PORT"},
		"bad DNS server":    {edge("name: a, from: external, to: ingress/a/b, dns: {name: x, server: y}"), `a.yaml:6: spec.edges[0].dns.server: "y" is not a DNS server: write HOST:PORT`},
		"no DNS name":       {edge("name: a, from: external, to: ingress/a/b, dns: {}"), "a.yaml:6: spec.edges[0].dns.name is missing: write the name to resolve"},
		"bad address":       {edge("name: a, from: external, to: ingress/a/b, dns: {name: x, address: y}"), `a.yaml:6: spec.edges[0].dns.address: "y" is neither an IP address nor ingress`},
		"whose address":     {edge("name: a, from: external, to: 'service/a/b:80', dns: {name: x, address: ingress}"), "a.yaml:6: spec.edges[0].dns.address: ingress stands for the addresses of what to names: write to: ingress/NAMESPACE/NAME, or an IP address"},
		"whose certificate": {edge("name: a, from: external, to: 'service/a/b:443', tls: {}"), "a.yaml:6: spec.edges[0].tls.serverName is missing: write the name that the certificate must be for, or set host"},
		"bad services":      {[]string{checks("discover: {services: some}")}, `a.yaml:5: spec.discover.services: "some" is not known: choose one of none, namespace, all`},
		"bad pattern":       {[]string{checks("discover: {exclude: [ci]}")}, `a.yaml:5: spec.discover.exclude[0]: "ci" is not a pattern for edges: write "FROM -> TO", where * stands for any part of a name`},
		"malformed glob":    {[]string{checks("discover: {exclude: ['a[ -> b']}")}, `a.yaml:5: spec.discover.exclude[0]: "a[" is not a pattern: syntax error in pattern`},
		"same name": {
			[]string{checks("edges:", "- {name: a, from: external, to: ingress/a/b}", "- {name: a, from: external, to: ingress/a/c}")},
			`a.yaml:7: the name "a" is already used at DIR/a.yaml:6: rename one of the two`,
		},
		"same edge": {
			[]string{checks("edges:", "- {name: a, from: external, to: 'pod/a/b:80'}", "- {name: b, from: external, to: 'pod/a/b:80/TCP'}")},
			"a.yaml:7: the edge external -> pod/a/b:80/TCP is already declared at DIR/a.yaml:6: remove one of the two",
		},
		"same edge, path left out": {
			[]string{checks("edges:", "- {name: a, from: external, to: ingress/a/b, host: x, path: /}", "- {name: b, from: external, to: ingress/a/b, host: x}")},
			"a.yaml:7: the edge external -> ingress/a/b (x/) is already declared at DIR/a.yaml:6: remove one of the two",
		},
		"documents disagree": {
			[]string{checks("discover: {ingresses: true}") + "---\n" + checks("discover: {ingresses: false}")},
			"a.yaml:11: spec.discover.ingresses is set differently at DIR/a.yaml:5: make the two agree",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, dir, err := loadChecks(t, test.files...)
			wantError(t, dir, err, test.want)
		})
	}
}
