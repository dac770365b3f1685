package model

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/stagegate/stagegate/internal/reach/topology"
)

// choose finds the routes that an edge is about: all of them where it names no host and
// path, the ones that are written so, or else the ones that would serve such a request.
func choose(routes []*topology.Route, host, path string) ([]*topology.Route, string) {
	if host == "" && path == "" {
		return routes, ""
	}
	exact := filter(routes, func(r *topology.Route) bool { return r.Host == host && r.Path == path })
	if len(exact) > 0 {
		return exact, ""
	}
	byHost := filter(routes, func(r *topology.Route) bool { return r.Host == host })
	if len(byHost) == 0 || host == "" {
		byHost = filter(routes, func(r *topology.Route) bool { return hostMatches(r, host) })
	}
	if len(byHost) == 0 {
		return nil, fmt.Sprintf("has no rule for host %q", host)
	}
	if path == "" {
		return byHost, ""
	}
	longest := -1
	for _, r := range byHost {
		if pathMatches(r, path) {
			longest = max(longest, len(r.Path))
		}
	}
	best := filter(byHost, func(r *topology.Route) bool { return len(r.Path) == longest && pathMatches(r, path) })
	if len(best) == 0 {
		return nil, fmt.Sprintf("has no rule for path %q of host %q", path, host)
	}
	return best, ""
}

func filter(routes []*topology.Route, keep func(*topology.Route) bool) []*topology.Route {
	var out []*topology.Route
	for _, r := range routes {
		if keep(r) {
			out = append(out, r)
		}
	}
	return out
}

// hostMatches: "*.example.com" covers one more label for an Ingress, and any number of
// them for an HTTPRoute.
func hostMatches(r *topology.Route, host string) bool {
	if r.Host == "" || r.Host == "*" || host == "" || r.Host == host {
		return true
	}
	suffix, wildcard := strings.CutPrefix(r.Host, "*")
	labels, below := strings.CutSuffix(host, suffix)
	deep := strings.Contains(labels, ".") && !strings.HasPrefix(r.Owner, "httproute/")
	return wildcard && below && labels != "" && !deep
}

// pathMatches: a prefix ends at a slash.
func pathMatches(r *topology.Route, path string) bool {
	switch r.PathType {
	case "Exact":
		return r.Path == path
	case "RegularExpression":
		pattern, err := regexp.Compile("^(?:" + r.Path + ")$")
		return err == nil && pattern.MatchString(path)
	}
	prefix := strings.TrimSuffix(r.Path, "/")
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}
