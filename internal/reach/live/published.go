package live

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/stagegate/stagegate/internal/reach/topology"
)

// route is the published route of an edge: the one that is written so, or else the one that
// serves such requests, the nearest host and the longest path first.
func (p *planner) route(owner, host, path string) *topology.Route {
	var best *topology.Route
	for i := range p.topo.Routes {
		r := &p.topo.Routes[i]
		switch {
		case r.Owner != owner:
		case r.Host == host && r.Path == path:
			return r
		case nearness(r, host) == 0 || !servesPath(r, path):
		case best == nil, cmp.Or(cmp.Compare(nearness(r, host), nearness(best, host)), cmp.Compare(len(r.Path), len(best.Path))) > 0:
			best = r
		}
	}
	return best
}

// nearness says how well a route's host is that of a request: 0 is not at all.
func nearness(r *topology.Route, host string) int {
	suffix, wildcard := strings.CutPrefix(r.Host, "*.")
	switch {
	case r.Host == host:
		return 3
	case wildcard && strings.HasSuffix(host, "."+suffix):
		return 2
	case r.Host == "", r.Host == "*", host == "":
		return 1
	}
	return 0
}

func servesPath(r *topology.Route, path string) bool {
	prefix := strings.TrimSuffix(r.Path, "/")
	switch {
	case r.PathType == "Exact":
		return r.Path == path
	case r.PathType == "Prefix": // it ends at a slash
		return path == prefix || strings.HasPrefix(path, prefix+"/")
	case literal(r.Path, r.PathType):
		return strings.HasPrefix(path, prefix)
	}
	pattern, err := regexp.Compile("^(?:" + r.Path + ")")
	return err == nil && pattern.MatchString(path)
}
