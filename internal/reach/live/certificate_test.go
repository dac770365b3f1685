package live

import (
	"encoding/pem"
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
