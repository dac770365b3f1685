//go:build e2e

package probes_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/live"
	"github.com/stagegate/stagegate/internal/reach/model"
	"github.com/stagegate/stagegate/internal/reach/topology"
	"github.com/stagegate/stagegate/internal/snapshot"
)

const (
	modelPolicies = 60
	modelSeed     = 1
	felixWait     = 30 * time.Second
)

var (
	modelNamespaces = []string{"east", "west", "north"}
	modelPods       = []string{"a", "b", "c"}
	modelPorts      = []int32{8080, 8081}
)

// testModel generates NetworkPolicies over nine pods in three namespaces and
// holds what Calico's Felix makes of them, by packets, against the model: every pair of
// pods, on two ports. A pod and itself are left out: a stand-in is another pod.
func testModel(w *world) {
	t := w.t
	w.calico()
	w.applyText("pods.yaml", ninePods(w.image))
	for _, ns := range modelNamespaces {
		w.ready(ns, len(modelPods))
	}
	p := w.prober("run-model", live.Options{Attempt: 1500 * time.Millisecond})
	defer w.nothingLeft()
	defer func() {
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	random := rand.New(rand.NewPCG(modelSeed, 0))
	began, denied := time.Now(), 0
	for made, round := 0, 1; made < modelPolicies; round++ {
		policies := generate(random, round)
		made += len(policies)
		denied += w.compare(p, policies)
	}
	t.Logf("%d policies in %s; %d pairs were denied by both", modelPolicies, time.Since(began).Round(time.Second), denied)
	if denied == 0 {
		t.Error("no policy denied anything: nothing was compared")
	}
}

func ninePods(image string) string {
	var text strings.Builder
	for _, ns := range modelNamespaces {
		fmt.Fprintf(&text, "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {ns: %s}}\n", ns, ns)
		for _, pod := range modelPods {
			fmt.Fprintf(&text, "---\napiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: %s, labels: {pod: %s}}\nspec:\n  terminationGracePeriodSeconds: 0\n  tolerations: [{operator: Exists}]\n  containers:\n", pod, ns, pod)
			for _, port := range modelPorts {
				fmt.Fprintf(&text, "  - {name: serve-%d, image: %q, command: [/stagegate-probe, serve, \"%d\"], ports: [{name: serve-%d, containerPort: %d}]}\n", port, image, port, port, port)
			}
		}
	}
	return text.String()
}

// compare applies the policies, and waits until packets and model agree on every pair.
func (w *world) compare(p *live.Prober, policies []networking.NetworkPolicy) (denied int) {
	w.t.Helper()
	for i := range policies {
		if _, err := w.clients.NetworkingV1().NetworkPolicies(policies[i].Namespace).Create(w.t.Context(), &policies[i], metav1.CreateOptions{}); err != nil {
			w.t.Fatal(err)
		}
	}
	limit := time.Now().Add(felixWait)
	for {
		differences, both := w.differences(p)
		if len(differences) == 0 {
			denied = both
			break
		}
		if time.Now().After(limit) {
			w.t.Errorf("policies %s:\n%s", describe(policies), strings.Join(differences, "\n"))
			break
		}
	}
	for i := range policies {
		if err := w.clients.NetworkingV1().NetworkPolicies(policies[i].Namespace).Delete(w.t.Context(), policies[i].Name, metav1.DeleteOptions{}); err != nil {
			w.t.Fatal(err)
		}
	}
	return denied
}

// differences are the pairs about which packets and model do not agree.
func (w *world) differences(p *live.Prober) (out []string, denied int) {
	w.t.Helper()
	s, err := snapshot.New(w.objects()...)
	if err != nil {
		w.t.Fatal(err)
	}
	topo := topology.Build(s)
	m, err := model.New(s, topo)
	if err != nil {
		w.t.Fatal(err)
	}
	expectations := pairs()
	edges := make([]reach.Edge, len(expectations))
	for i, e := range expectations {
		edges[i] = e.Edge
	}
	modelled := map[reach.Edge]reach.Result{}
	for _, r := range m.Evaluate(w.t.Context(), edges).Edges {
		modelled[r.Edge] = r
	}
	sent, err := p.Probe(w.t.Context(), topo, expectations)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range sent.Edges {
		if says := modelled[r.Edge]; says.Outcome != r.Outcome {
			out = append(out, fmt.Sprintf("%s\n\tpackets: %s: %s\n\tmodel:   %s: %s", r.Edge, r.Outcome, r.Reason, says.Outcome, says.Reason))
		} else if r.Outcome == reach.Unreachable {
			denied++
		}
	}
	return out, denied
}

func pairs() []reach.Expectation {
	var edges []string
	for _, fromNS := range modelNamespaces {
		for _, from := range modelPods {
			for _, toNS := range modelNamespaces {
				for _, to := range modelPods {
					for _, port := range modelPorts {
						if fromNS != toNS || from != to {
							edges = append(edges, fmt.Sprintf("pod/%s/%s -> pod/%s/%s:%d/TCP", fromNS, from, toNS, to, port))
						}
					}
				}
			}
		}
	}
	return expect(edges...)
}

// generate makes one to three policies that act together.
func generate(r *rand.Rand, round int) []networking.NetworkPolicy {
	out := make([]networking.NetworkPolicy, 1+r.IntN(3))
	for i := range out {
		out[i] = networking.NetworkPolicy{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("generated-%d-%d", round, i), Namespace: pick(r, modelNamespaces)},
			Spec:       networking.NetworkPolicySpec{PodSelector: selector(r, "pod", modelPods)},
		}
		spec := &out[i].Spec
		if kind := r.IntN(3); kind != 0 {
			spec.PolicyTypes = append(spec.PolicyTypes, networking.PolicyTypeIngress)
			for range r.IntN(3) {
				spec.Ingress = append(spec.Ingress, networking.NetworkPolicyIngressRule{From: peers(r), Ports: ports(r)})
			}
			if kind == 1 {
				continue
			}
		}
		spec.PolicyTypes = append(spec.PolicyTypes, networking.PolicyTypeEgress)
		for range r.IntN(3) {
			spec.Egress = append(spec.Egress, networking.NetworkPolicyEgressRule{To: peers(r), Ports: ports(r)})
		}
	}
	return out
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func selector(r *rand.Rand, key string, values []string) metav1.LabelSelector {
	switch r.IntN(5) {
	case 0:
		return metav1.LabelSelector{}
	case 1:
		return metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: key, Operator: metav1.LabelSelectorOpNotIn, Values: []string{pick(r, values)}}}}
	case 2:
		return metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: key, Operator: metav1.LabelSelectorOpIn, Values: []string{pick(r, values), pick(r, values)}}}}
	case 3:
		return metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: pick(r, []string{key, "absent"}), Operator: pick(r, []metav1.LabelSelectorOperator{metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist})}}}
	}
	return metav1.LabelSelector{MatchLabels: map[string]string{key: pick(r, values)}}
}

// peers may be none, which is everyone. Blocks of addresses are never of single pods: a
// stand-in has an address of its own.
func peers(r *rand.Rand) []networking.NetworkPolicyPeer {
	out := make([]networking.NetworkPolicyPeer, r.IntN(3))
	for i := range out {
		pods, namespaces := selector(r, "pod", modelPods), selector(r, "ns", modelNamespaces)
		switch r.IntN(7) {
		case 0, 1:
			out[i].PodSelector = &pods
		case 2, 3:
			out[i].NamespaceSelector = &namespaces
		case 4:
			out[i].IPBlock = &networking.IPBlock{CIDR: pick(r, []string{"0.0.0.0/0", "10.244.0.0/16", "192.0.2.0/24"})}
		default:
			out[i].PodSelector, out[i].NamespaceSelector = &pods, &namespaces
		}
	}
	return out
}

func ports(r *rand.Rand) []networking.NetworkPolicyPort {
	tcp, udp := corev1.ProtocolTCP, corev1.ProtocolUDP
	number := intstr.FromInt32(pick(r, modelPorts))
	named := intstr.FromString(fmt.Sprintf("serve-%d", pick(r, modelPorts)))
	switch r.IntN(6) {
	case 0, 1:
		return nil
	case 2:
		return []networking.NetworkPolicyPort{{Protocol: &tcp, Port: &number}}
	case 3:
		return []networking.NetworkPolicyPort{{Protocol: &tcp, Port: &named}}
	case 4:
		end := int32(8090)
		return []networking.NetworkPolicyPort{{Protocol: &tcp, Port: &number, EndPort: &end}}
	}
	return []networking.NetworkPolicyPort{{Protocol: &udp}, {Port: &number}}
}

func describe(policies []networking.NetworkPolicy) string {
	var out []string
	for _, p := range policies {
		out = append(out, fmt.Sprintf("%s/%s %s", p.Namespace, p.Name, p.Spec.String()))
	}
	return strings.Join(out, "\n")
}
