package probe

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
)

const bodyLimit = 1 << 20

// tryHTTP sends the request. Certificates are noted, not judged: the probe's image has no
// authorities to judge by.
func tryHTTP(ctx context.Context, q Request) Result {
	ctx, phase := traced(ctx)
	request, err := http.NewRequestWithContext(ctx, q.method(), q.URL, nil)
	if err != nil {
		return Result{Code: Failed, Detail: err.Error()}
	}
	request.Header.Set("User-Agent", "stagegate-probe")
	client := q.client()
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return failure(err, phase())
	}
	defer response.Body.Close()
	return q.note(response)
}

// traced returns a context for one request, and what that request is at.
func traced(ctx context.Context) (_ context.Context, phase func() string) {
	var now atomic.Value // written by the dialler, which may outlive the request
	now.Store(Connecting)
	at := func(p string) { now.Store(p) }
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart:          func(httptrace.DNSStartInfo) { at(Resolving) },
		ConnectStart:      func(string, string) { at(Connecting) },
		TLSHandshakeStart: func() { at(Handshake) },
		GotConn:           func(httptrace.GotConnInfo) { at(Answer) },
	}), func() string { return now.Load().(string) }
}

func (q Request) method() string {
	if q.Method == "" {
		return http.MethodGet
	}
	return q.Method
}

func (q Request) client() *http.Client {
	client := &http.Client{Transport: &http.Transport{
		DialContext:       q.dial,
		TLSClientConfig:   &tls.Config{ServerName: q.ServerName, InsecureSkipVerify: true}, //nolint:gosec // judged by the caller, from the chain
		ForceAttemptHTTP2: true,
	}}
	if !q.FollowRedirects {
		client.CheckRedirect = q.mayFollow
	}
	return client
}

const maxRedirects = 5

func (q Request) mayFollow(next *http.Request, via []*http.Request) error {
	_, known := q.Resolve[hostPort(next.URL)]
	if q.FollowHere && known && next.URL.Hostname() == via[0].URL.Hostname() && len(via) <= maxRedirects {
		return nil
	}
	return http.ErrUseLastResponse
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func (q Request) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if there, ok := q.Resolve[address]; ok {
		address = there
	}
	return connector().DialContext(ctx, network, address)
}

func (q Request) note(response *http.Response) Result {
	r := Result{Code: Answered, Status: response.StatusCode, FinalURL: response.Request.URL.String()}
	r.Chain = chainOf(response)
	r.Header = map[string]string{}
	for _, name := range append([]string{"Location", "Server"}, q.NoteHeaders...) {
		if value := response.Header.Get(name); value != "" {
			r.Header[http.CanonicalHeaderKey(name)] = value
		}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, bodyLimit))
	if err != nil {
		cut := failure(err, Answer)
		cut.Status = r.Status
		return cut
	}
	sum := sha256.Sum256(body)
	r.Body = hex.EncodeToString(sum[:])
	r.Found = q.Contains != "" && strings.Contains(string(body), q.Contains)
	return r
}

func chainOf(response *http.Response) (chain [][]byte) {
	if response.TLS != nil {
		for _, certificate := range response.TLS.PeerCertificates {
			chain = append(chain, certificate.Raw)
		}
	}
	return chain
}
