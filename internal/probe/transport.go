package probe

import (
	"context"
	"net"
)

func connector() *net.Dialer { return &net.Dialer{Timeout: connectTimeout} }

func tryTCP(ctx context.Context, t Target) Result {
	ctx, phase := traced(ctx)
	conn, err := connector().DialContext(ctx, "tcp", t.Address)
	if err != nil {
		return failure(err, phase())
	}
	_ = conn.Close() // the connection was made; how it ends tells nothing more
	return Result{Code: Answered}
}

// tryUDP sends one datagram. Only an answer, or the ICMP message that nobody listens,
// tells anything; silence is a time-out that proves nothing.
func tryUDP(ctx context.Context, t Target) Result {
	ctx, phase := traced(ctx)
	conn, err := new(net.Dialer).DialContext(ctx, "udp", t.Address)
	if err != nil {
		return failure(err, phase())
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return failure(err, Connecting)
		}
	}
	if _, err := conn.Write(datagram(t.Address)); err != nil {
		return failure(err, Answer)
	}
	if _, err := conn.Read(make([]byte, 1500)); err != nil {
		return failure(err, Answer)
	}
	return Result{Code: Answered}
}

// datagram is what a server on the port is likely to answer: to port 53 a DNS question
// for the root's name servers (RFC 1035), else one empty line.
func datagram(address string) []byte {
	if _, port, err := net.SplitHostPort(address); err == nil && port == "53" {
		return []byte{
			0x73, 0x67, // ID
			0x01, 0x00, // recursion desired
			0, 1, 0, 0, 0, 0, 0, 0, // one question
			0, 0, 2, 0, 1, // ".", type NS, class IN
		}
	}
	return []byte("\n")
}

// tryDNS resolves a name, and then those that it is to be compared with.
func tryDNS(ctx context.Context, t Target) Result {
	own := &net.Resolver{PreferGo: true}
	resolver := own
	if t.Address != "" {
		resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, t.Address)
		}}
	}
	addresses, err := resolver.LookupHost(ctx, t.Name)
	if err != nil {
		return failure(err, Resolving)
	}
	r := Result{Code: Answered, Addresses: addresses}
	for _, name := range t.Compare {
		found, err := own.LookupHost(ctx, name)
		if err != nil {
			r.Detail = err.Error()
		}
		r.Compared = append(r.Compared, found...)
	}
	return r
}
