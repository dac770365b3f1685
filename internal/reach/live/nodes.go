package live

import (
	"context"
	"fmt"
	"net"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	scheduling "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"

	"github.com/stagegate/stagegate/internal/reach/topology"
)

// nodeSet is the nodes of the cluster, and the pods whose identity may be taken, which say
// what nodes they could run on.
type nodeSet struct {
	nodes []corev1.Node
	pods  map[string]*corev1.Pod // by namespace/name
}

// readNodes reads the nodes alone.
func (p *Prober) readNodes(ctx context.Context) (nodeSet, error) {
	nodes, err := p.clients.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nodeSet{}, fmt.Errorf("reading the nodes: %w", err)
	}
	return nodeSet{nodes: nodes.Items}, nil
}

func (p *Prober) readNodesAndPods(ctx context.Context) (nodeSet, error) {
	s, err := p.readNodes(ctx)
	if err != nil {
		return nodeSet{}, err
	}
	pods, err := p.clients.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nodeSet{}, fmt.Errorf("reading the pods: %w", err)
	}
	s.pods = make(map[string]*corev1.Pod, len(pods.Items))
	for i := range pods.Items {
		s.pods[pods.Items[i].Namespace+"/"+pods.Items[i].Name] = &pods.Items[i]
	}
	return s, nil
}

// original is the pod as the API has it, or nil where it is no more.
func (s nodeSet) original(pod *topology.Pod) *corev1.Pod { return s.pods[pod.Namespace+"/"+pod.Name] }

// fitting are the names of the ready nodes that a pod could run on.
func (s nodeSet) fitting(pod *topology.Pod) []string {
	original := s.original(pod)
	if original == nil {
		return nil
	}
	var out []string
	for i := range s.nodes {
		node := &s.nodes[i]
		if s.ready(node.Name) && !node.Spec.Unschedulable && fits(original, node) {
			out = append(out, node.Name)
		}
	}
	slices.Sort(out)
	return out
}

func fits(pod *corev1.Pod, node *corev1.Node) bool {
	_, untolerated := scheduling.FindMatchingUntoleratedTaint(klog.Background(), node.Spec.Taints, pod.Spec.Tolerations,
		func(t *corev1.Taint) bool { return t.Effect != corev1.TaintEffectPreferNoSchedule }, false)
	matches, err := nodeaffinity.GetRequiredNodeAffinity(pod).Match(node)
	return err == nil && matches && !untolerated
}

// ready tells whether the node's kubelet reports it ready.
func (s nodeSet) ready(name string) bool {
	for _, node := range s.nodes {
		if node.Name != name {
			continue
		}
		for _, c := range node.Status.Conditions {
			if c.Type == corev1.NodeReady {
				return c.Status == corev1.ConditionTrue
			}
		}
	}
	return false
}

// addresses are those of the ready nodes, the outer ones first.
func (s nodeSet) addresses() []string { return s.addressesFor(nil) }

// addressesFor is addresses of the nodes where pods run alone, if any are given.
func (s nodeSet) addressesFor(pods []*topology.Pod) []string {
	var outer, inner []string
	for _, node := range s.nodes {
		if !s.ready(node.Name) || len(pods) > 0 && !slices.ContainsFunc(pods, func(p *topology.Pod) bool { return p.Node == node.Name }) {
			continue
		}
		for _, a := range node.Status.Addresses {
			switch {
			case net.ParseIP(a.Address) == nil:
			case a.Type == corev1.NodeExternalIP:
				outer = append(outer, a.Address)
			case a.Type == corev1.NodeInternalIP:
				inner = append(inner, a.Address)
			}
		}
	}
	return append(outer, inner...)
}
