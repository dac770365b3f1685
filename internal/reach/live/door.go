package live

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagegate/stagegate/internal/probe"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// door is how requests get to an ingress controller. The kind of door that was found first
// is kept for the prober's life: a policy that shuts it must not lead to another one.
type door struct {
	kind doorKind
	at   place
}

type doorKind int

// The kinds of door, in the order in which they are tried.
const (
	byLoadBalancer doorKind = iota
	byNodePort
	byHostPort
	byForward
	noDoor
)

// outerDoor finds how the outside reaches a controller for a scheme, "http" or "https".
func (p *planner) outerDoor(c *topology.Controller, scheme string) (place, error) {
	key := c.Class + " " + c.Workload + " " + scheme
	if known, ok := p.doors[key]; ok {
		if _, routable := p.routableNode(nil); !routable && (known.kind == byNodePort || known.kind == byHostPort) {
			return place{}, fmt.Errorf("this machine has no route to the cluster's nodes any more, through which %s was reached", c.Workload)
		}
		if at, err := p.tryDoor(known.kind, c, scheme); err == nil && at.address != "" {
			known.at = at
		}
		p.doors[key] = known // the old address, where there is no new one: packets will tell
		return known.at, nil
	}
	for kind := byLoadBalancer; kind < noDoor; kind++ {
		at, err := p.tryDoor(kind, c, scheme)
		if err != nil {
			return place{}, err
		}
		if at.address != "" {
			p.doors[key] = door{kind, at}
			return at, nil
		}
	}
	return place{}, fmt.Errorf("the ingress controller %s has no port for %s that could be reached from outside", c.Workload, scheme)
}

func (p *planner) tryDoor(kind doorKind, c *topology.Controller, scheme string) (place, error) {
	switch kind {
	case byLoadBalancer:
		return loadBalancerDoor(c, scheme), nil
	case byNodePort:
		return p.nodePortDoor(c, scheme), nil
	case byHostPort:
		return p.hostPortDoor(c, scheme), nil
	}
	return p.forwardDoor(c, scheme)
}

func loadBalancerDoor(c *topology.Controller, scheme string) place {
	for _, s := range c.Services {
		if port, ok := servicePort(s, scheme); ok && len(s.LoadBalancer) > 0 {
			return place{address: join(s.LoadBalancer[0], port.Number), what: "the LoadBalancer address"}
		}
	}
	return place{}
}

func (p *planner) nodePortDoor(c *topology.Controller, scheme string) place {
	for _, s := range c.Services {
		if port, ok := servicePort(s, scheme); ok && port.NodePort != 0 {
			if node, ok := p.routableNode(c.Pods); ok {
				return place{address: join(node, port.NodePort), what: "the node port"}
			}
		}
	}
	return place{}
}

func (p *planner) hostPortDoor(c *topology.Controller, scheme string) place {
	for _, pod := range c.Pods {
		port, ok := podPort(pod, scheme)
		number := port.HostPort
		if pod.HostNetwork {
			number = port.Number
		}
		if !ok || number == 0 {
			continue
		}
		if node, ok := p.routableNode([]*topology.Pod{pod}); ok {
			// Each node keeps a pod of a DaemonSet; another pod may come back elsewhere.
			return place{address: join(node, number), what: "the host port", fleeting: !strings.HasPrefix(c.Workload, "daemonset/")}
		}
	}
	return place{}
}

// publishedDoor is where a load balancer outside the cluster says it serves a route.
func publishedDoor(route *topology.Route, scheme string) (place, error) {
	if len(route.Addresses) == 0 {
		return place{}, fmt.Errorf("%s is served by a load balancer outside the cluster, and no status gives its address yet", route.Owner)
	}
	port := uint16(80)
	if scheme == "https" {
		port = 443
	}
	return place{address: join(route.Addresses[0], port), what: "the LoadBalancer address"}, nil
}

// innerDoor is how pods reach a controller.
func innerDoor(c *topology.Controller, scheme string) (place, error) {
	for _, s := range c.Services {
		if port, ok := servicePort(s, scheme); ok && len(s.ClusterIPs) > 0 {
			return place{address: join(s.ClusterIPs[0].String(), port.Number), what: "the cluster address"}, nil
		}
	}
	for _, pod := range c.Pods {
		if port, ok := podPort(pod, scheme); ok && len(pod.IPs) > 0 {
			return podPlace(pod, port.Number), nil
		}
	}
	return place{}, fmt.Errorf("the ingress controller %s has no port for %s", c.Workload, scheme)
}

// servicePort is the port of a Service that most likely speaks the scheme.
func servicePort(s *topology.Service, scheme string) (best topology.ServicePort, ok bool) {
	top := 0
	for _, port := range s.Ports {
		if r := rank(port.Name, port.Number, scheme); port.Protocol == topology.TCP && r > top {
			best, top = port, r
		}
	}
	return best, top > 0
}

func podPort(pod *topology.Pod, scheme string) (best topology.Port, ok bool) {
	top := 0
	for _, port := range pod.Ports {
		if r := rank(port.Name, port.Number, scheme); port.Protocol == topology.TCP && r > top {
			best, top = port, r
		}
	}
	return best, top > 0
}

// rank says how likely a port speaks the scheme, by its name first and its number second;
// 0 is not at all. Controllers name their ports http, web, https, websecure and so on.
func rank(name string, number uint16, scheme string) int {
	secure := strings.Contains(name, "https") || strings.Contains(name, "websecure") || strings.Contains(name, "tls")
	plain := !secure && (strings.Contains(name, "http") || strings.HasPrefix(name, "web"))
	named, standard, usual := plain, uint16(80), []uint16{8080, 8000}
	if scheme == "https" {
		named, standard, usual = secure, 443, []uint16{8443}
	}
	switch {
	case named && number == standard:
		return 4
	case named:
		return 3
	case plain || secure:
		return 0
	case number == standard:
		return 2
	case name == "" && slices.Contains(usual, number):
		return 1
	}
	return 0
}

const routableWait = time.Second

// kubeletPort is open on every node, or at least refuses.
const kubeletPort = 10250

// routableNode is the address of a node that this process has a route to: one where pods
// run, if any are given. Nodes of many clusters have private addresses.
func (p *planner) routableNode(pods []*topology.Pod) (string, bool) {
	for _, address := range p.nodes.addressesFor(pods) {
		known, tried := p.routable[address]
		if !tried {
			known = routes(p.ctx, address)
			p.routable[address] = known
		}
		if known {
			return address, true
		}
	}
	return "", false
}

func routes(ctx context.Context, address string) bool {
	r := probe.Try(ctx, probe.Target{Protocol: probe.TCP, Address: join(address, kubeletPort), Wait: routableWait})
	return r.Code == probe.Answered || r.Code == probe.Refused
}
