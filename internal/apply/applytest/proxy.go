package applytest

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/stagegate/stagegate/internal/apply"
)

// Proxy puts a reverse proxy in front of the API server. Each request goes to fault
// first, which may answer it, break it, or pass it on.
func Proxy(t testing.TB, fault func(w http.ResponseWriter, r *http.Request, pass http.Handler)) *apply.Clients {
	t.Helper()
	config := Config(t)
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	host, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(host)
	proxy.Transport = transport
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { Reset(w) }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fault(w, r, proxy) }))
	t.Cleanup(server.Close)
	c, err := apply.NewClients(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Mutates is true for a request that changes the cluster.
func Mutates(r *http.Request) bool {
	return r.Method != http.MethodGet && r.URL.Query().Get("dryRun") == ""
}

// Reset breaks the connection.
func Reset(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			_ = conn.Close() // the point of it
		}
	}
}

// Lose passes a request on and breaks the connection instead of answering.
func Lose(w http.ResponseWriter, r *http.Request, pass http.Handler) {
	pass.ServeHTTP(httptest.NewRecorder(), r)
	Reset(w)
}

// Fail answers as an API server in trouble does.
func Fail(w http.ResponseWriter, code int, header ...string) {
	for i := 0; i+1 < len(header); i += 2 {
		w.Header().Set(header[i], header[i+1])
	}
	http.Error(w, "injected", code)
}
