package probe_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/stagegate/stagegate/internal/probe"
)

func address(t *testing.T, server *httptest.Server) string {
	t.Helper()
	return server.Listener.Addr().String()
}

// silent accepts connections and never answers.
func silent(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

// dropping is an address where connection attempts get no answer at all, as where a
// policy drops them: a listener whose backlog is full.
func dropping(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	there := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for range 3 {
		if conn, err := net.DialTimeout("tcp", there, 100*time.Millisecond); err == nil {
			t.Cleanup(func() { _ = conn.Close() })
		}
	}
	return there
}

func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// echo answers each datagram with itself.
func echo(t *testing.T) string {
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
			_, _ = conn.WriteTo(buffer[:n], from)
		}
	}()
	return conn.LocalAddr().String()
}

func quietUDP(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.LocalAddr().String()
}

func TestOutcomes(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	t.Cleanup(web.Close)
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	secure.StartTLS()
	t.Cleanup(secure.Close)
	get := func(url string) *probe.Request { return &probe.Request{URL: url} }

	tests := []struct {
		name   string
		target probe.Target
		want   probe.Result
	}{
		{"tcp", probe.Target{Protocol: probe.TCP, Address: address(t, web)}, probe.Result{Code: probe.Answered}},
		{"tcp refused", probe.Target{Protocol: probe.TCP, Address: closedPort(t)}, probe.Result{Code: probe.Refused}},
		{"tcp nobody there", probe.Target{Protocol: probe.TCP, Address: dropping(t)}, probe.Result{Code: probe.TimedOut, Phase: probe.Connecting}},
		{"tcp no such name", probe.Target{Protocol: probe.TCP, Address: "nowhere.invalid:80", Wait: 5 * time.Second}, probe.Result{Code: probe.NameError}},
		{"udp", probe.Target{Protocol: probe.UDP, Address: echo(t)}, probe.Result{Code: probe.Answered}},
		{"udp refused", probe.Target{Protocol: probe.UDP, Address: "127.0.0.1:1"}, probe.Result{Code: probe.Refused}},
		{"udp silence", probe.Target{Protocol: probe.UDP, Address: quietUDP(t)}, probe.Result{Code: probe.TimedOut, Phase: probe.Answer}},
		{"http", probe.Target{Protocol: probe.HTTP, HTTP: get(web.URL)}, probe.Result{Code: probe.Answered, Status: http.StatusTeapot}},
		{"http silence", probe.Target{Protocol: probe.HTTP, HTTP: get("http://" + silent(t))}, probe.Result{Code: probe.TimedOut, Phase: probe.Answer}},
		{"http refused", probe.Target{Protocol: probe.HTTP, HTTP: get("http://" + closedPort(t))}, probe.Result{Code: probe.Refused}},
		{"https", probe.Target{Protocol: probe.HTTP, HTTP: get(secure.URL)}, probe.Result{Code: probe.Answered, Status: http.StatusNotFound}},
		{"https to http", probe.Target{Protocol: probe.HTTP, HTTP: get("https://" + address(t, web))}, probe.Result{Code: probe.TLSError}},
		{"https silence", probe.Target{Protocol: probe.HTTP, HTTP: get("https://" + silent(t))}, probe.Result{Code: probe.TimedOut, Phase: probe.Handshake}},
		{"dns silence", probe.Target{Protocol: probe.DNS, Name: "shop.example", Address: quietUDP(t)}, probe.Result{Code: probe.TimedOut, Phase: probe.Resolving}},
		{"unknown", probe.Target{Protocol: "sctp"}, probe.Result{Code: probe.Failed}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.target.Wait == 0 {
				test.target.Wait = 300 * time.Millisecond
			}
			got := probe.Try(t.Context(), test.target)
			if got.Code != test.want.Code || got.Phase != test.want.Phase || got.Status != test.want.Status {
				t.Errorf("got %+v; want %+v", got, test.want)
			}
			if got.Code != probe.Answered && got.Detail == "" {
				t.Error("no detail")
			}
		})
	}
}

// A connection is not waited for as long as an answer.
func TestConnectionsAreGivenUpFirst(t *testing.T) {
	there := dropping(t)
	for _, target := range []probe.Target{
		{Protocol: probe.TCP, Address: there},
		{Protocol: probe.HTTP, HTTP: &probe.Request{URL: "http://" + there}},
		{Protocol: probe.GRPC, Address: there},
	} {
		target.Wait = time.Minute
		got := probe.Try(t.Context(), target)
		if got.Code != probe.TimedOut || got.Phase != probe.Connecting || got.Latency > 20*time.Second {
			t.Errorf("%s: %+v", target.Protocol, got)
		}
	}
}

func TestHTTPAnswer(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("shop.example/old", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/new", http.StatusFound) })
	mux.HandleFunc("shop.example/new", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-App", "shop")
		fmt.Fprint(w, "welcome to the shop")
	})
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	q := probe.Request{
		URL: "https://shop.example/old", Resolve: map[string]string{"shop.example:443": address(t, server)},
		NoteHeaders: []string{"x-app"}, Contains: "the shop",
	}
	got := probe.Try(t.Context(), probe.Target{Protocol: probe.HTTP, HTTP: &q})
	if got.Status != http.StatusFound || got.Header["Location"] != "/new" || got.Found {
		t.Errorf("without following: %+v", got)
	}
	q.FollowRedirects = true
	got = probe.Try(t.Context(), probe.Target{ID: 7, Protocol: probe.HTTP, HTTP: &q})
	if got.Status != http.StatusOK || got.FinalURL != "https://shop.example/new" || got.Header["X-App"] != "shop" ||
		!got.Found || len(got.Chain) != 1 || got.ID != 7 {
		t.Errorf("following: %+v", got)
	}
}

// Redirects are followed here only to addresses that are known, and not for ever.
func TestFollowHere(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("shop.example/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://shop.example/", http.StatusMovedPermanently)
	})
	mux.HandleFunc("loop.example/", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) })
	plain := httptest.NewServer(mux)
	t.Cleanup(plain.Close)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(secure.Close)
	q := probe.Request{URL: "http://shop.example/", FollowHere: true, Resolve: map[string]string{"shop.example:80": address(t, plain)}}
	try := func(want int) {
		t.Helper()
		if got := probe.Try(t.Context(), probe.Target{Protocol: probe.HTTP, HTTP: &q}); got.Status != want {
			t.Errorf("got %+v; want status %d", got, want)
		}
	}
	try(http.StatusMovedPermanently)
	q.Resolve["shop.example:443"] = address(t, secure)
	try(http.StatusNoContent)
	q = probe.Request{URL: "http://loop.example/", FollowHere: true, Resolve: map[string]string{"loop.example:80": address(t, plain)}}
	try(http.StatusFound)
}

// health answers as a gRPC server does, over cleartext HTTP/2.
func health(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return address(t, server)
}

func TestGRPC(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	serving := health(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/grpc.health.v1.Health/Check" || string(body[5:]) != "\x0a\x04shop" || binary.BigEndian.Uint32(body[1:]) != 6 {
			t.Errorf("the request is not a health check: %s %q %v", r.URL.Path, body, err)
		}
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		_, _ = w.Write([]byte{0, 0, 0, 0, 2, 8, 1})
		w.Header().Set("Grpc-Status", "0")
	})
	without := health(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Grpc-Status", "12") })
	got := probe.Try(t.Context(), probe.Target{Protocol: probe.GRPC, Address: serving, Name: "shop"})
	if got.Code != probe.Answered || got.Status != 1 {
		t.Errorf("serving: %+v", got)
	}
	got = probe.Try(t.Context(), probe.Target{Protocol: probe.GRPC, Address: without})
	if got.Code != probe.Answered || got.Status != 0 || got.Detail == "" {
		t.Errorf("no health service: %+v", got)
	}
	for name, test := range map[string]struct {
		address string
		want    probe.Result
	}{
		"refused":     {closedPort(t), probe.Result{Code: probe.Refused}},
		"no answer":   {silent(t), probe.Result{Code: probe.TimedOut, Phase: probe.Answer}},
		"cut off":     {dropping(t), probe.Result{Code: probe.TimedOut, Phase: probe.Connecting}},
		"HTTP/1 only": {address(t, plain), probe.Result{Code: probe.Failed}},
	} {
		got := probe.Try(t.Context(), probe.Target{Protocol: probe.GRPC, Address: test.address, Wait: 300 * time.Millisecond})
		if got.Code != test.want.Code || got.Phase != test.want.Phase {
			t.Errorf("%s: %+v; want %+v", name, got, test.want)
		}
	}
}

// Over TLS the certificates are noted, and the server is asked for by name.
func TestGRPCOverTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "shop.example" || r.TLS.ServerName != "shop.example" {
			t.Errorf("asked for %s, by SNI %s", r.Host, r.TLS.ServerName)
		}
		w.Header().Set("Trailer", "Grpc-Status")
		_, _ = w.Write([]byte{0, 0, 0, 0, 2, 8, 2})
		w.Header().Set("Grpc-Status", "0")
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	got := probe.Try(t.Context(), probe.Target{Protocol: probe.GRPC, Address: address(t, server), TLS: true, ServerName: "shop.example"})
	if got.Code != probe.Answered || got.Status != 2 || len(got.Chain) != 1 {
		t.Errorf("got %+v; want status 2 (NOT_SERVING) and a certificate", got)
	}
}

// nameServer answers questions for shop.example with an address, has no answer for
// failed.example and refused.example, and says of others that they are not there (RFC 1035).
func nameServer(t *testing.T, address [4]byte) string {
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
			_, _ = conn.WriteTo(answer(buffer[:n], address), from)
		}
	}()
	return conn.LocalAddr().String()
}

func answer(question []byte, address [4]byte) []byte {
	var parser dnsmessage.Parser
	header, err := parser.Start(question)
	if err != nil {
		return nil
	}
	q, err := parser.Question()
	if err != nil {
		return nil
	}
	header.Response, header.Authoritative = true, true
	switch q.Name.String() {
	case "shop.example.":
	case "failed.example.":
		header.RCode = dnsmessage.RCodeServerFailure
	case "refused.example.":
		header.RCode = dnsmessage.RCodeRefused
	default:
		header.RCode = dnsmessage.RCodeNameError
	}
	b := dnsmessage.NewBuilder(nil, header)
	_ = b.StartQuestions()
	_ = b.Question(q)
	_ = b.StartAnswers()
	if header.RCode == dnsmessage.RCodeSuccess && q.Type == dnsmessage.TypeA {
		_ = b.AResource(dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 1}, dnsmessage.AResource{A: address})
	}
	message, _ := b.Finish()
	return message
}

func TestDNS(t *testing.T) {
	server := nameServer(t, [4]byte{192, 0, 2, 7})
	ask := func(name string, compare ...string) probe.Result {
		return probe.Try(t.Context(), probe.Target{Protocol: probe.DNS, Name: name, Address: server, Compare: compare})
	}
	got := ask("shop.example", "localhost")
	if got.Code != probe.Answered || !slices.Equal(got.Addresses, []string{"192.0.2.7"}) || !slices.Contains(got.Compared, "127.0.0.1") || got.Detail != "" {
		t.Errorf("got %+v", got)
	}
	for name, want := range map[string]probe.Code{
		"gone.example": probe.NameError,
		// These say nothing of the name.
		"failed.example": probe.Failed, "refused.example": probe.Failed,
	} {
		if got := ask(name); got.Code != want {
			t.Errorf("%s: got %+v; want %s", name, got, want)
		}
	}
}

func TestObey(t *testing.T) {
	open := silent(t)
	order := fmt.Sprintf(`{"targets":[{"id":1,"protocol":"tcp","address":%q},{"id":2,"protocol":"tcp","address":%q}]}`, open, closedPort(t))
	var out strings.Builder
	if err := probe.Obey(t.Context(), strings.NewReader(order), &out); err != nil {
		t.Fatal(err)
	}
	codes := map[int]probe.Code{}
	for line := range strings.Lines(out.String()) {
		var r probe.Result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if !r.Done {
			codes[r.ID] = r.Code
		}
	}
	if codes[1] != probe.Answered || codes[2] != probe.Refused || len(codes) != 2 {
		t.Errorf("got %v", codes)
	}
	if err := probe.Obey(t.Context(), strings.NewReader("{"), io.Discard); err == nil {
		t.Error("half an order was obeyed")
	}
}

// One program carries out orders as they come, and says when each is done.
func TestObeyOrdersInTurn(t *testing.T) {
	in, orders := io.Pipe()
	out, lines := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- probe.Obey(t.Context(), in, lines)
		_ = lines.Close()
	}()
	results := json.NewDecoder(out)
	for id := range 3 {
		if _, err := fmt.Fprintf(orders, `{"targets":[{"id":%d,"protocol":"tcp","address":%q}]}`+"\n", id, silent(t)); err != nil {
			t.Fatal(err)
		}
		for _, want := range []probe.Result{{ID: id, Code: probe.Answered}, {Done: true}} {
			var got probe.Result
			if err := results.Decode(&got); err != nil || got.ID != want.ID || got.Code != want.Code || got.Done != want.Done {
				t.Fatalf("order %d: got %+v, %v; want %+v", id, got, err, want)
			}
		}
	}
	_ = orders.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// An order with an interval goes on until its input ends, and then stops at once.
func TestObeyUntilInputEnds(t *testing.T) {
	in, order := io.Pipe()
	out, lines := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- probe.Obey(t.Context(), in, lines)
		_ = lines.Close()
	}()
	go func() {
		_, _ = fmt.Fprintf(order, `{"interval":1000000,"targets":[{"id":1,"protocol":"tcp","address":%q}]}`, silent(t))
	}()
	results := json.NewDecoder(out)
	for range 3 {
		var r probe.Result
		if err := results.Decode(&r); err != nil || r.Code != probe.Answered || r.At.IsZero() {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	_ = order.Close()
	go func() { _, _ = io.Copy(io.Discard, out) }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Error("it goes on")
	}
}

func TestRunIsParallel(t *testing.T) {
	targets := make([]probe.Target, 400)
	there := dropping(t)
	for i := range targets {
		targets[i] = probe.Target{ID: i, Protocol: probe.TCP, Address: there, Wait: 200 * time.Millisecond}
	}
	began := time.Now()
	seen := map[int]bool{}
	probe.Run(t.Context(), targets, func(r probe.Result) { seen[r.ID] = true })
	if len(seen) != len(targets) || time.Since(began) > 5*time.Second {
		t.Errorf("%d results in %s", len(seen), time.Since(began))
	}
}

func TestServe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, port, err := net.SplitHostPort(closedPort(t))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- probe.Serve(ctx, port) }()
	for {
		got := probe.Try(t.Context(), probe.Target{Protocol: probe.HTTP, HTTP: &probe.Request{URL: "http://127.0.0.1:" + port}})
		if got.Code == probe.Answered {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
