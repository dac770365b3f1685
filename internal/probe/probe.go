// Package probe tries targets and says what became of each. It runs in probe pods, as the
// program stagegate-probe, and in stagegate itself for what is tried from outside. It
// needs the standard library alone: the pod's image has nothing else in it.
//
// The probe reports facts; whether a fact means reachable is decided by its caller.
package probe

import (
	"time"
)

// Protocol is how a target is tried.
type Protocol string

// The protocols. TCP connects and closes; UDP sends a datagram and waits for an answer;
// HTTP sends a request to a URL (http or https); GRPC asks the gRPC health service; DNS
// resolves a name.
const (
	TCP  Protocol = "tcp"
	UDP  Protocol = "udp"
	HTTP Protocol = "http"
	GRPC Protocol = "grpc"
	DNS  Protocol = "dns"
)

// DefaultTimeout is for one attempt at one target.
const DefaultTimeout = 2 * time.Second

// AnswerTimeout is for one request over HTTP or gRPC, whose answer may take its time.
const AnswerTimeout = 5 * time.Second

// connectTimeout is for making a connection, within the time for the attempt. A SYN lost
// is sent again after one second (RFC 6298), so it leaves room for one more.
const connectTimeout = 1500 * time.Millisecond

// Target is one thing to try.
type Target struct {
	ID       int      `json:"id"` // given back in the result
	Protocol Protocol `json:"protocol"`
	// Address is HOST:PORT for TCP, UDP and GRPC; for DNS the server, or empty for the
	// resolver that the host is configured with.
	Address string `json:"address,omitempty"`
	// Name is what DNS resolves, and the service that GRPC asks for.
	Name string `json:"name,omitempty"`
	// Compare are names that DNS resolves besides, by the resolver of the host.
	Compare []string `json:"compare,omitempty"`
	HTTP    *Request `json:"http,omitempty"`
	TLS     bool     `json:"tls,omitempty"` // for GRPC
	// ServerName is the SNI and the authority of GRPC; the address where empty.
	ServerName string        `json:"serverName,omitempty"`
	Wait       time.Duration `json:"wait,omitempty"` // nanoseconds; DefaultTimeout where 0
}

// Request is an HTTP request and what to note of its answer.
type Request struct {
	Method string `json:"method,omitempty"` // GET where empty
	URL    string `json:"url"`
	// Resolve says where to connect for a HOST:PORT of the URL, or of a redirect. Others
	// are resolved as usual.
	Resolve         map[string]string `json:"resolve,omitempty"`
	ServerName      string            `json:"serverName,omitempty"` // SNI; the URL's host where empty
	FollowRedirects bool              `json:"followRedirects,omitempty"`
	// FollowHere follows redirects that stay on the host, to an address in Resolve.
	FollowHere  bool     `json:"followHere,omitempty"`
	NoteHeaders []string `json:"noteHeaders,omitempty"`
	Contains    string   `json:"contains,omitempty"` // looked for in the body's first MiB
}

// Code is what became of a target.
type Code string

// The codes. Answered is a TCP connection made, or an answer at the protocol's own level.
const (
	Answered  Code = "answered"
	Refused   Code = "refused"   // a reset in answer to the connection, or port unreachable
	NoRoute   Code = "no-route"  // the network answered that the host cannot be reached
	TimedOut  Code = "timed-out" // nothing came back; Phase says waiting for what
	Reset     Code = "reset"     // the connection was made, then broken off
	NameError Code = "name"      // the name is not there, says its server
	TLSError  Code = "tls"       // the handshake failed
	Failed    Code = "failed"    // the probe itself could not try
)

// The phases that a time-out can fall into.
const (
	Resolving  = "resolving"
	Connecting = "connecting"
	Handshake  = "handshake"
	Answer     = "answer"
)

// Result is what became of one attempt.
type Result struct {
	ID      int           `json:"id"`
	At      time.Time     `json:"at"` // when the attempt began, by the prober's clock
	Latency time.Duration `json:"latency"`
	Code    Code          `json:"code"`
	Phase   string        `json:"phase,omitempty"` // of a time-out
	Detail  string        `json:"detail,omitempty"`
	// Of HTTP: the status, noted headers, a digest of the body's first MiB, whether it
	// has the text looked for, where redirects led, and the certificates in DER.
	Status   int               `json:"status,omitempty"`
	Header   map[string]string `json:"header,omitempty"`
	Body     string            `json:"body,omitempty"` // SHA-256 in hex
	Found    bool              `json:"found,omitempty"`
	FinalURL string            `json:"finalURL,omitempty"`
	Chain    [][]byte          `json:"chain,omitempty"`
	// Of DNS: the addresses, and those of the names to compare; Detail says what one of
	// these could not be resolved for. Of GRPC: Status 1 is SERVING.
	Addresses []string `json:"addresses,omitempty"`
	Compared  []string `json:"compared,omitempty"`
	// Done is true in a last result, of no target, when an order is carried out.
	Done bool `json:"done,omitempty"`
}

// Order is what the program reads from its standard input.
type Order struct {
	Targets []Target `json:"targets"`
	// Interval repeats every target until standard input ends; once where 0.
	Interval time.Duration `json:"interval,omitempty"`
}
