package config

import (
	"encoding/json"
	"time"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/reach"
)

// Services says between what edges to Services are discovered.
type Services string

// Where edges to Services are discovered: nowhere; from the workloads of the Service's own
// namespace, and those that name the Service in their pods; from all workloads.
const (
	NoServices        Services = "none"
	NamespaceServices Services = "namespace"
	AllServices       Services = "all"
)

// Discover says which edges are protected without being named.
type Discover struct {
	Ingresses bool     `yaml:"ingresses"` // Ingress and HTTPRoute objects, LoadBalancer and NodePort Services
	Services  Services `yaml:"services"`
	// Exclude are edges not to discover: endpoint patterns (path.Match) "FROM -> TO".
	Exclude []string `yaml:"exclude" json:",omitempty"`
}

// Check is one declared edge.
type Check struct {
	Name   string
	Edge   reach.Edge
	Want   reach.Outcome
	HTTP   *HTTPCheck
	TLS    *TLSCheck
	DNS    *DNSCheck
	GRPC   *GRPCCheck `json:",omitempty"`
	Source string     // file:line
}

// HTTPCheck narrows what an answer must be; used by live probes alone.
type HTTPCheck struct {
	Scheme          string            `yaml:"scheme"` // http or https
	Method          string            `yaml:"method"`
	Status          []int             `yaml:"status" json:",omitempty"` // none: any below 500
	Header          map[string]string `yaml:"header" json:",omitempty"`
	BodyContains    string            `yaml:"bodyContains"`
	FollowRedirects bool              `yaml:"followRedirects"`
}

// TLSCheck is what the certificate must satisfy; used by live probes alone.
type TLSCheck struct {
	ServerName   string        `yaml:"serverName"`
	MinValidity  time.Duration `yaml:"minValidity"`
	CAFile       string        `yaml:"caFile"` // relative to the checks file
	AllowUnknown bool          `yaml:"allowUnknown"`
	CA           string        `yaml:"-"` // what CAFile holds
}

// DNSCheck is a name that must resolve; used by live probes alone.
type DNSCheck struct {
	Name string `yaml:"name"`
	// Address is an expected address or "ingress" for the ingress controller's own; empty: any.
	Address string `yaml:"address"`
	// Server is the HOST:PORT of the DNS server to ask, such as the zone's own; empty: the
	// resolver that the vantage is configured with, which may answer from its cache.
	Server string `yaml:"server" json:",omitempty"`
}

// GRPCCheck asks the gRPC health service (grpc.health.v1), over TLS where the check also
// has a TLSCheck; used by live probes alone.
type GRPCCheck struct {
	Service string `yaml:"service"` // whose health is asked for; empty: the server's as a whole
}

// Checks is all checks files of an environment, merged.
type Checks struct {
	Discover Discover
	Checks   []Check
	Files    []string
}

// Digest identifies the checks, wherever their files lie.
func (c Checks) Digest() change.Digest {
	bare := Checks{Discover: c.Discover}
	for _, check := range c.Checks {
		check.Source = ""
		bare.Checks = append(bare.Checks, check)
	}
	return digestOf("checks", bare)
}

func digestOf(domain string, v any) change.Digest {
	h := change.NewHash(domain)
	content, err := json.Marshal(v)
	if err != nil { // plain data: cannot happen
		panic(err)
	}
	h.Add("json", content)
	return h.Sum()
}
