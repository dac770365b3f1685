package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
)

// tryGRPC asks grpc.health.v1.Health/Check (gRPC health checking protocol). The message is
// small enough to be written by hand, which keeps the probe's image small.
func tryGRPC(ctx context.Context, t Target) Result {
	scheme := "http"
	if t.TLS {
		scheme = "https"
	}
	ctx, phase := traced(ctx)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost,
		scheme+"://"+t.Address+"/grpc.health.v1.Health/Check", bytes.NewReader(healthRequest(t.Name)))
	if err != nil {
		return Result{Code: Failed, Detail: err.Error()}
	}
	request.Header.Set("Content-Type", "application/grpc")
	request.Header.Set("TE", "trailers")
	if t.ServerName != "" {
		request.Host = t.ServerName
	}
	transport := t.grpcTransport()
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if err != nil {
		return failure(err, phase())
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, bodyLimit))
	if err != nil {
		return failure(err, Answer)
	}
	r := healthOf(response, body)
	r.Chain = chainOf(response)
	return r
}

func (t Target) grpcTransport() *http.Transport {
	transport := &http.Transport{
		DialContext:     connector().DialContext,
		Protocols:       new(http.Protocols),
		TLSClientConfig: &tls.Config{ServerName: t.ServerName, InsecureSkipVerify: true}, //nolint:gosec // as in tryHTTP
	}
	transport.Protocols.SetHTTP2(t.TLS)
	transport.Protocols.SetUnencryptedHTTP2(!t.TLS)
	return transport
}

// healthRequest is HealthCheckRequest{service} in a gRPC frame: no compression, the
// length, then field 1 as a string.
func healthRequest(service string) []byte {
	var message []byte
	if service != "" {
		message = binary.AppendUvarint([]byte{1<<3 | 2}, uint64(len(service)))
		message = append(message, service...)
	}
	frame := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))) //nolint:gosec // the name of a service
	return append(frame, message...)
}

// healthOf reads HealthCheckResponse{status}: field 1, a varint; absent is UNKNOWN (0).
func healthOf(response *http.Response, body []byte) Result {
	code := response.Trailer.Get("Grpc-Status")
	if code == "" {
		code = response.Header.Get("Grpc-Status") // an answer of trailers only
	}
	switch {
	case response.StatusCode != http.StatusOK || code == "":
		return Result{Code: Failed, Detail: fmt.Sprintf("the answer is not gRPC (HTTP status %d)", response.StatusCode)}
	case code == "12": // UNIMPLEMENTED: a gRPC server without the health service
		return Result{Code: Answered, Detail: "the server has no health service"}
	case code != "0":
		return Result{Code: Answered, Detail: "gRPC status " + code + " " + response.Trailer.Get("Grpc-Message")}
	}
	r := Result{Code: Answered}
	if len(body) >= 7 && body[5] == 1<<3 {
		r.Status = int(body[6])
	}
	return r
}
