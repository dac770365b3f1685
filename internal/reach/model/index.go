package model

import (
	"net/netip"
	"strings"
	"sync"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// index finds things by the names that endpoints give them.
type index struct {
	pods      map[string]*topology.Pod   // "pod/NAMESPACE/NAME"
	workloads map[string][]*topology.Pod // "deployment/NAMESPACE/NAME"
	services  map[string]*topology.Service
	routes    map[string][]*topology.Route // by owner
	byAddr    map[netip.Addr]*topology.Pod // without host-network pods, which share theirs
	byCluster map[netip.Addr]*topology.Service
	known     func() map[string]bool // objects of the snapshot, as endpoints; few models are asked
	problems  map[string]string      // by namespace: objects that could not be read; "" for all namespaces
}

func newIndex(s *snapshot.Snapshot, c *topology.Cluster) *index {
	x := &index{
		pods: map[string]*topology.Pod{}, workloads: map[string][]*topology.Pod{}, services: map[string]*topology.Service{},
		routes: map[string][]*topology.Route{}, byAddr: map[netip.Addr]*topology.Pod{},
		byCluster: map[netip.Addr]*topology.Service{}, problems: problems(s, c),
		known: sync.OnceValue(func() map[string]bool { return known(s) }),
	}
	for _, p := range c.Pods {
		x.pods["pod/"+p.Namespace+"/"+p.Name] = p
		x.workloads[p.Workload] = append(x.workloads[p.Workload], p)
		if !p.HostNetwork {
			for _, a := range p.IPs {
				x.byAddr[a] = p
			}
		}
	}
	for _, s := range c.Services {
		x.services["service/"+s.Namespace+"/"+s.Name] = s
		for _, a := range s.ClusterIPs {
			x.byCluster[a] = s
		}
	}
	for i := range c.Routes {
		r := &c.Routes[i]
		x.routes[r.Owner] = append(x.routes[r.Owner], r)
	}
	return x
}

func known(s *snapshot.Snapshot) map[string]bool {
	out := map[string]bool{}
	for _, o := range s.All() {
		out[strings.ToLower(o.GetKind())+"/"+o.GetNamespace()+"/"+o.GetName()] = true
	}
	return out
}

func problems(s *snapshot.Snapshot, c *topology.Cluster) map[string]string {
	out := map[string]string{}
	if len(c.Problems) == 0 {
		return out
	}
	for _, o := range s.All() {
		for _, p := range c.Problems {
			if strings.Contains(p, snapshot.KeyOf(o.Unstructured).String()+": ") {
				out[o.GetNamespace()] = p
			}
		}
	}
	return out
}

// broken is a problem with an object that an edge may depend on: any object of the
// namespaces at its ends, or one of no namespace.
func (x *index) broken(from, to reach.Endpoint, sources []end) string {
	namespaces := []string{from.Namespace, to.Namespace}
	for _, s := range sources {
		if s.pod != nil {
			namespaces = append(namespaces, s.pod.Namespace)
		}
	}
	for _, r := range x.routes[to.String()] {
		for _, b := range r.Backends {
			namespaces = append(namespaces, b.Namespace)
		}
	}
	return x.unread(namespaces...)
}

// unread is a problem with an object of these namespaces, or of none.
func (x *index) unread(namespaces ...string) string {
	for _, n := range append([]string{""}, namespaces...) {
		if p, ok := x.problems[n]; ok {
			return p
		}
	}
	return ""
}
