package live

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/probe"
)

func TestCertificateProblem(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler()) // for example.com
	t.Cleanup(server.Close)
	got := probe.Try(t.Context(), probe.Target{Protocol: probe.HTTP, HTTP: &probe.Request{URL: server.URL}})
	leaf := server.Certificate()
	own := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw}))
	tests := []struct {
		name  string
		check config.TLSCheck
		host  string
		now   time.Time
		want  string
	}{
		{"trusted", config.TLSCheck{CA: own}, "example.com", time.Now(), ""},
		{"unknown authority", config.TLSCheck{}, "example.com", time.Now(), "not trusted"},
		{"unknown authority allowed", config.TLSCheck{AllowUnknown: true}, "example.com", time.Now(), ""},
		{"another host", config.TLSCheck{CA: own}, "shop.example", time.Now(), "not trusted"},
		{"another host, unknown allowed", config.TLSCheck{AllowUnknown: true}, "shop.example", time.Now(), "not for shop.example"},
		{"server name", config.TLSCheck{CA: own, ServerName: "example.com"}, "shop.example", time.Now(), ""},
		{"expired", config.TLSCheck{CA: own}, "example.com", leaf.NotAfter.Add(time.Hour), "expires on"},
		{"about to expire", config.TLSCheck{CA: own, MinValidity: 48 * time.Hour}, "example.com", leaf.NotAfter.Add(-24 * time.Hour), "expires on"},
		{"unreadable authority", config.TLSCheck{CA: "none", CAFile: "ca.pem"}, "example.com", time.Now(), "ca.pem"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			problem := certificateProblem(test.check, test.host, got, test.now)
			if problem == "" != (test.want == "") || !strings.Contains(problem, test.want) {
				t.Errorf("got %q; want %q", problem, test.want)
			}
		})
	}
}

// A chain ends with its first certificate that does, and a wildcard is asked for by a name below it.
func TestCertificatesOfTheChain(t *testing.T) {
	now := time.Now()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(name string, valid time.Duration, by *x509.Certificate, hosts ...string) *x509.Certificate {
		t.Helper()
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(valid),
			IsCA: hosts == nil, BasicConstraintsValid: true, DNSNames: hosts,
		}
		if by == nil {
			by = template
		}
		raw, err := x509.CreateCertificate(rand.Reader, template, by, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		made, err := x509.ParseCertificate(raw)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	root := sign("root", 1000*time.Hour, nil)
	between := sign("between", 24*time.Hour, root)
	leaf := sign("leaf", 100*time.Hour, between, "*.shop.example")
	own := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}))
	served := probe.Result{Chain: [][]byte{leaf.Raw, between.Raw}}
	for wanted, want := range map[time.Duration]string{12 * time.Hour: "", 48 * time.Hour: "the certificate of between expires on"} {
		problem := certificateProblem(config.TLSCheck{CA: own, MinValidity: wanted}, "*.shop.example", served, now)
		if problem == "" != (want == "") || !strings.Contains(problem, want) {
			t.Errorf("valid for %s more: got %q; want %q", wanted, problem, want)
		}
	}
}
