package live

import (
	"cmp"
	"slices"

	"github.com/stagegate/stagegate/internal/probe"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// eachNode are goals for one ready endpoint of a Service on each of the first nodes, where
// they are on several: its address leads to any of them, so that a way between nodes, or
// within one, that is cut off would show now and then only.
func (p *planner) eachNode(to reach.Endpoint, v vantage, judge func(place) judgement) []goal {
	service := p.service(to.Namespace, to.Name)
	if v.outside() || to.Kind != "service" || to.Protocol != "TCP" || service == nil || len(service.ClusterIPs) == 0 {
		return nil
	}
	var ready []topology.Endpoint
	for port, endpoints := range service.Endpoints {
		if port.Number == to.Port && port.Protocol == topology.TCP {
			ready = append(ready, onNodes(endpoints)...)
		}
	}
	if len(ready) < 2 {
		return nil
	}
	var out []goal
	for _, e := range ready[:min(len(ready), p.options.MaxNodes)] {
		at := endpointPlace(e, "the endpoint on node "+e.Pod.Node)
		out = append(out, goal{target: probe.Target{Protocol: probe.TCP, Address: at.address}, judge: judge(at), fleeting: true})
	}
	return out
}

// onNodes is one ready endpoint for each node, ordered by node.
func onNodes(endpoints []topology.Endpoint) []topology.Endpoint {
	ready := slices.DeleteFunc(slices.Clone(endpoints), func(e topology.Endpoint) bool {
		return !e.Ready || !e.Address.IsValid() || e.Pod == nil || e.Pod.Node == ""
	})
	slices.SortFunc(ready, func(a, b topology.Endpoint) int {
		return cmp.Or(cmp.Compare(a.Pod.Node, b.Pod.Node), a.Address.Compare(b.Address))
	})
	return slices.CompactFunc(ready, func(a, b topology.Endpoint) bool { return a.Pod.Node == b.Pod.Node })
}
