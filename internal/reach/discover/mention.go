package discover

import (
	"slices"
	"strconv"
	"strings"

	"github.com/stagegate/stagegate/internal/reach/topology"
)

// mention is a Service named in a text. Port is 0 where none was.
type mention struct {
	namespace, service string
	port               uint16
}

// ports are the ports of a Service that are meant: the one named, else all of them.
func (m mention) ports(s *topology.Service) []topology.ServicePort {
	var out []topology.ServicePort
	for _, p := range s.Ports {
		if p.Number == m.port {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		return s.Ports
	}
	return out
}

// mentions finds cluster host names in texts: "web.shop", "web.shop.svc" and what ends in
// the cluster's domain, in URLs and lists too.
func mentions(texts []string) []mention {
	var out []mention
	for _, text := range texts {
		for _, field := range strings.FieldsFunc(strings.ToLower(text), notInHost) {
			host, rest, _ := strings.Cut(field, ":")
			m, ok := parseHost(strings.Trim(host, ".-"))
			if !ok {
				continue
			}
			if port, err := strconv.ParseUint(strings.TrimRight(rest, ".:-"), 10, 16); err == nil {
				m.port = uint16(port)
			}
			if !slices.Contains(out, m) {
				out = append(out, m)
			}
		}
	}
	return out
}

func notInHost(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != ':'
}

// parseHost takes the Service's labels out of a host name: the two before "svc", which
// may follow a pod's own, or both of "service.namespace".
func parseHost(host string) (mention, bool) {
	labels := strings.Split(host, ".")
	switch at := slices.Index(labels, "svc"); {
	case at >= 2:
		return mention{namespace: labels[at-1], service: labels[at-2]}, true
	case at < 0 && len(labels) == 2:
		return mention{namespace: labels[1], service: labels[0]}, true
	}
	return mention{}, false
}
