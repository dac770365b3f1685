package live

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/probe"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// dnsGoal resolves a name, as the vantage's resolver does unless a server is named.
func (p *planner) dnsGoal(check config.Check, v vantage) (goal, *finding) {
	var wanted []string
	switch check.DNS.Address {
	case "":
	case "ingress":
		route := p.route(check.Edge.To, check.Edge.Host, check.Edge.Path)
		if route == nil || route.Controller == nil {
			return goal{}, cannot("the addresses of %s are not known: no ingress controller serves it", check.Edge.To)
		}
		if wanted = p.publishedAt(route); len(wanted) == 0 {
			return goal{}, cannot("%s has no address that %s could point to: its status has none yet", check.Edge.To, check.DNS.Name)
		}
	default:
		wanted = []string{check.DNS.Address}
	}
	names := slices.DeleteFunc(slices.Clone(wanted), isAddress)
	return goal{
		target: probe.Target{Protocol: probe.DNS, Name: check.DNS.Name, Address: check.DNS.Server, Compare: names},
		judge:  judgeDNS(*check.DNS, wanted, v),
	}, nil
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// publishedAt are the addresses and host names that a name for a route may point to: those
// of its load balancers, else the nodes on which its controller takes requests.
func (p *planner) publishedAt(route *topology.Route) []string {
	out := slices.Clone(route.Addresses)
	for _, s := range route.Controller.Services {
		out = append(out, s.LoadBalancer...)
		out = append(out, s.ExternalIPs...)
	}
	if len(out) == 0 && !route.Controller.External {
		out = p.nodes.addresses()
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// judgeDNS holds what a name resolves to against the addresses wanted, if any. What wanted
// has host names for, the probe has resolved too.
func judgeDNS(check config.DNSCheck, wanted []string, v vantage) judgement {
	return func(r probe.Result, _ beside) finding {
		switch {
		case r.Code == probe.NameError:
			return finding{outcome: reach.Unreachable, reason: fmt.Sprintf("the name %s does not resolve: %s", check.Name, r.Detail)}
		case r.Code == probe.TimedOut && v.outside():
			// Nothing here tells a server that is cut off from one that has failed.
			return finding{outcome: reach.Error, reason: fmt.Sprintf("no answer when resolving %s: %s", check.Name, r.Detail)}
		case r.Code == probe.TimedOut:
			return finding{outcome: reach.Unreachable, reason: fmt.Sprintf("time-out: no answer when resolving %s: %s", check.Name, r.Detail)}
		case r.Code != probe.Answered:
			return noAnswer(r, place{address: check.Name, what: "name"})
		}
		for _, a := range r.Addresses {
			if len(wanted) == 0 || slices.Contains(wanted, a) || slices.Contains(r.Compared, a) {
				return finding{outcome: reach.Reachable, reason: fmt.Sprintf("%s resolves to %s", check.Name, a)}
			}
		}
		if r.Detail != "" {
			return finding{outcome: reach.Error, reason: fmt.Sprintf("what %s should resolve to could not be resolved itself: %s", check.Name, r.Detail)}
		}
		return finding{outcome: reach.Unreachable, reason: fmt.Sprintf("%s resolves to %s, not to %s",
			check.Name, strings.Join(r.Addresses, ", "), strings.Join(wanted, " or "))}
	}
}
