package live

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// vantage is one place to probe from. The zero value is outside the cluster.
type vantage struct {
	like *topology.Pod // whose identity the probe takes
	node string
}

func (v vantage) outside() bool { return v.like == nil }

// templateLabels name a revision of a workload's template, not its identity.
var templateLabels = []string{"pod-template-hash", "controller-revision-hash", "pod-template-generation"}

func identityLabels(labels map[string]string) map[string]string {
	out := maps.Clone(labels)
	for _, name := range templateLabels {
		delete(out, name)
	}
	return out
}

// key is equal for vantages that one probe pod can serve. What is on the host's network has
// the node's address, and no policy tells it apart by its labels.
func (v vantage) key() string {
	if v.outside() {
		return ""
	}
	if v.like.HostNetwork {
		return v.like.Namespace + "\n" + v.node + "\nhost network"
	}
	parts := []string{v.like.Namespace, v.like.ServiceAccount, v.node}
	identity := identityLabels(v.like.Labels)
	for _, name := range slices.Sorted(maps.Keys(identity)) {
		parts = append(parts, name+"="+identity[name])
	}
	return strings.Join(parts, "\n")
}

// String is the vantage as reasons name it.
func (v vantage) String() string {
	if v.outside() {
		return "outside"
	}
	if v.like.HostNetwork {
		return fmt.Sprintf("the host network of node %s, in namespace %s", v.node, v.like.Namespace)
	}
	return fmt.Sprintf("a stand-in of %s on node %s", v.like.Workload, v.node)
}

// vantages are the places that an edge starts from, at most one for each of a few nodes.
func (p *planner) vantages(from string) ([]vantage, error) {
	endpoint, err := reach.ParseEndpoint(from)
	if err != nil {
		return nil, err
	}
	var pods []*topology.Pod
	switch endpoint.Kind {
	case reach.External:
		return []vantage{{}}, nil
	case "ingress", "httproute":
		if pods, err = p.controllerPods(from); err != nil {
			return nil, err
		}
	case "service", "ip":
		return nil, fmt.Errorf("nothing can be sent from %s: use a workload", from)
	default:
		pods = p.podsOf(endpoint)
	}
	pods = slices.DeleteFunc(slices.Clone(pods), func(pod *topology.Pod) bool { return pod.Node == "" })
	if len(pods) == 0 {
		return nil, fmt.Errorf("no pod of %s is on a node, so its identity cannot be taken", from)
	}
	if err := p.standIn(pods[0]); err != nil {
		return nil, err
	}
	return p.spread(pods), nil
}

// noStandIn says that no probe pod may have the identity of a workload, since it would get
// traffic that is meant for the workload's pods.
type noStandIn struct{ workload, service string }

func (n *noStandIn) Error() string {
	return fmt.Sprintf("the Service %s publishes addresses that are not ready and selects the labels of %s, so it would send traffic to a probe pod with them: "+
		"set spec.probes.ephemeral in the environment to probe from the workload's own pods", n.service, n.workload)
}

// standIn finds a Service that would send traffic to a pod that is never ready.
func (p *planner) standIn(pod *topology.Pod) error {
	for _, s := range p.topo.Services {
		if s.PublishNotReady && s.Namespace == pod.Namespace && len(s.Selector) > 0 && !p.options.Ephemeral && labels.SelectorFromSet(s.Selector).Matches(labels.Set(pod.Labels)) {
			return &noStandIn{pod.Workload, s.Namespace + "/" + s.Name}
		}
	}
	return nil
}

func (p *planner) controllerPods(owner string) ([]*topology.Pod, error) {
	for _, route := range p.topo.Routes {
		if route.Owner != owner {
			continue
		}
		if route.Controller == nil {
			return nil, fmt.Errorf("no controller serves %s: %s", owner, route.Problem)
		}
		return route.Controller.Pods, nil
	}
	return nil, fmt.Errorf("%s publishes nothing", owner)
}

// podsOf are the pods of a pod or workload endpoint.
func (p *planner) podsOf(e reach.Endpoint) []*topology.Pod {
	var out []*topology.Pod
	for _, pod := range p.topo.Pods {
		if e.Kind == "pod" && pod.Namespace == e.Namespace && pod.Name == e.Name || pod.Workload == e.Bare() {
			out = append(out, pod)
		}
	}
	return out
}

// spread picks one pod on each of the first nodes, ready pods first, and adds another node
// that the pods could run on where all are on one.
func (p *planner) spread(pods []*topology.Pod) []vantage {
	slices.SortStableFunc(pods, func(a, b *topology.Pod) int {
		return cmp.Or(-cmp.Compare(number(a.Ready), number(b.Ready)), cmp.Compare(a.Node, b.Node), cmp.Compare(a.Name, b.Name))
	})
	var out []vantage
	used := map[string]bool{}
	for _, pod := range pods {
		if len(out) < p.options.MaxNodes && !used[pod.Node] {
			used[pod.Node] = true
			out = append(out, vantage{like: pod, node: pod.Node})
		}
	}
	for _, node := range p.nodes.fitting(pods[0]) {
		if !p.options.Ephemeral && len(out) < p.options.MaxNodes && !used[node] {
			used[node] = true
			out = append(out, vantage{like: pods[0], node: node})
		}
	}
	return out
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
