package reach_test

import (
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/reach"
)

func TestParseEndpoint(t *testing.T) {
	tests := map[string]struct {
		want   reach.Endpoint
		string string // empty: as written
	}{
		"external":                     {want: reach.Endpoint{Kind: "external"}},
		"ingress/shop/web":             {want: reach.Endpoint{Kind: "ingress", Namespace: "shop", Name: "web"}},
		"httproute/shop/web.v1":        {want: reach.Endpoint{Kind: "httproute", Namespace: "shop", Name: "web.v1"}},
		"service/shop/web:80":          {reach.Endpoint{Kind: "service", Namespace: "shop", Name: "web", Port: 80, Protocol: "TCP"}, "service/shop/web:80/TCP"},
		"service/shop/dns:53/udp":      {reach.Endpoint{Kind: "service", Namespace: "shop", Name: "dns", Port: 53, Protocol: "UDP"}, "service/shop/dns:53/UDP"},
		"deployment/shop/web":          {want: reach.Endpoint{Kind: "deployment", Namespace: "shop", Name: "web"}},
		"pod/shop/web-0:9898/SCTP":     {want: reach.Endpoint{Kind: "pod", Namespace: "shop", Name: "web-0", Port: 9898, Protocol: "SCTP"}},
		"rollout.argoproj.io/shop/web": {want: reach.Endpoint{Kind: "rollout.argoproj.io", Namespace: "shop", Name: "web"}},
		"ip/192.0.2.1:443":             {reach.Endpoint{Kind: "ip", Name: "192.0.2.1", Port: 443, Protocol: "TCP"}, "ip/192.0.2.1:443/TCP"},
		"ip/[2001:db8:0::1]:53/UDP":    {reach.Endpoint{Kind: "ip", Name: "2001:db8::1", Port: 53, Protocol: "UDP"}, "ip/[2001:db8::1]:53/UDP"},
		"ip/[::ffff:192.0.2.1]:1/TCP":  {reach.Endpoint{Kind: "ip", Name: "192.0.2.1", Port: 1, Protocol: "TCP"}, "ip/192.0.2.1:1/TCP"},
		"cronjob/shop/report":          {want: reach.Endpoint{Kind: "cronjob", Namespace: "shop", Name: "report"}},
	}
	for s, tt := range tests {
		t.Run(s, func(t *testing.T) {
			got, err := reach.ParseEndpoint(s)
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			written := tt.string
			if written == "" {
				written = s
			}
			if got.String() != written {
				t.Errorf("written as %q, want %q", got, written)
			}
		})
	}
}

func TestParseEndpointRefuses(t *testing.T) {
	tests := map[string]string{
		"":                         `reading endpoint "": unknown kind ""`,
		"external/x":               `unknown kind "external"`,
		"deploymnet/shop/web":      `unknown kind "deploymnet": use external, ip, ingress`,
		"deployment/web":           "expected deployment/NAMESPACE/NAME",
		"deployment//web":          `namespace ""`,
		"deployment/shop/":         `name ""`,
		"deployment/shop/a/b":      `name "a/b"`,
		"ingress/shop/web:80":      "ingress endpoints take no port: remove it",
		"service/shop/web":         "service endpoints need a port: write service/NAMESPACE/NAME:PORT/PROTOCOL",
		"service/shop/web:http":    `port "http": expected a number from 1 to 65535`,
		"service/shop/web:0":       `port "0"`,
		"service/shop/web:65536":   `port "65536"`,
		"service/shop/web:80/":     `protocol "": use TCP, UDP or SCTP`,
		"service/shop/web:80/ICMP": `protocol "ICMP"`,
		"service/Shop/web:80":      `namespace "Shop"`,
		"ip/192.0.2.1":             "expected ip/ADDRESS:PORT/PROTOCOL",
		"ip/2001:db8::1:443":       "expected ip/ADDRESS:PORT/PROTOCOL",
		"ip/[fe80::1%eth0]:443":    "expected ip/ADDRESS:PORT/PROTOCOL",
	}
	for s, want := range tests {
		t.Run(s, func(t *testing.T) {
			got, err := reach.ParseEndpoint(s)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %+v, %v; want %q", got, err, want)
			}
		})
	}
}

func TestEndpointBare(t *testing.T) {
	e, err := reach.ParseEndpoint("pod/shop/web-0:80/TCP")
	if err != nil {
		t.Fatal(err)
	}
	if e.Bare() != "pod/shop/web-0" {
		t.Errorf("got %q", e.Bare())
	}
}

func FuzzParseEndpoint(f *testing.F) {
	for _, s := range []string{"external", "ingress/a/b", "service/a/b:80/TCP", "ip/[::1]:80/UDP", "x.y/a/b", "ip/1.2.3.4:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := reach.ParseEndpoint(s)
		if err != nil {
			return
		}
		again, err := reach.ParseEndpoint(e.String())
		if err != nil || again != e {
			t.Fatalf("%q is %+v, written %q, read again as %+v, %v", s, e, e, again, err)
		}
	})
}
