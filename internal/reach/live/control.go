package live

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// trust runs the positive controls after a round: for each vantage, why a time-out from
// there proves nothing, or "" where it does.
func (p *Prober) trust(ctx context.Context, vantages map[string]vantage) (map[string]string, error) {
	p.mu.Lock()
	states, err := p.states(ctx)
	p.mu.Unlock()
	if err != nil {
		return nil, err
	}
	nodes, err := p.readNodes(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(vantages))
	for key, v := range vantages {
		if v.outside() {
			continue // states above were read from the API server: this process has a network
		}
		out[key] = distrust(p.pod(key), states, nodes)
	}
	return out, nil
}

// steady says since when each probe pod passes its positive control without a break, by
// the node's clock.
func (p *Prober) steady(ctx context.Context) (map[string]time.Time, error) {
	pods, err := p.clients.CoreV1().Pods("").List(ctx, selecting(p.options.RunID))
	if err != nil {
		return nil, fmt.Errorf("reading the probe pods: %w", err)
	}
	out := make(map[string]time.Time, len(pods.Items))
	for _, pod := range pods.Items {
		if !pod.Spec.HostNetwork {
			out[probePod{namespace: pod.Namespace, name: pod.Name, container: container}.id()] = readySince(&pod)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return out, p.eachEphemeral(ctx, func(probe *probePod, pod *corev1.Pod) {
		if !pod.Spec.HostNetwork {
			out[probe.id()] = readySince(pod)
		}
	})
}

func distrust(pod probePod, states map[string]state, nodes nodeSet) string {
	s := states[pod.id()]
	switch {
	case pod.err != nil:
		return pod.err.Error()
	case !s.running:
		return "the probe pod does not run any more"
	case pod.hostNetwork && !nodes.ready(pod.node):
		return fmt.Sprintf("node %s is not ready", pod.node)
	case !pod.hostNetwork:
		return s.doubt
	}
	return ""
}
