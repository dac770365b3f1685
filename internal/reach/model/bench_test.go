package model_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/model"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// town is a cluster of so many pods, five of each application and twenty applications in
// each namespace, and as many policies of all kinds.
func town(pods, policies int) (*topology.Cluster, string) {
	c := &topology.Cluster{Namespaces: map[string]*topology.Namespace{}}
	for i := range pods {
		ns, app := fmt.Sprintf("team-%d", i/100), fmt.Sprintf("app-%d", i/5%20)
		if c.Namespaces[ns] == nil {
			c.Namespaces[ns] = namespace(ns, fmt.Sprintf("tier=%d", i/100%3))
		}
		p := pod(ns, fmt.Sprintf("%s-%d", app, i%5), fmt.Sprintf("10.%d.%d.%d", i/10000, i/100%100, i%100+1),
			labels("app="+app, fmt.Sprintf("role=%d", i/5%4), fmt.Sprintf("pod-template-hash=%d", i)), tcp(8080, "http"))
		p.Node = fmt.Sprintf("node-%d", i%50)
		c.Pods = append(c.Pods, p)
	}
	var b strings.Builder
	for i := range policies {
		ns, app := fmt.Sprintf("team-%d", i%max(pods/100, 1)), fmt.Sprintf("app-%d", i/7%20)
		switch i % 10 {
		case 0:
			fmt.Fprintf(&b, "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p%d, namespace: %s}\nspec: {podSelector: {}, policyTypes: [Ingress, Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.%d.0/24]}}]}]}\n", i, ns, i%100)
		case 1:
			fmt.Fprintf(&b, "---\napiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata: {name: p%d}\nspec: {priority: %d, subject: {namespaces: {matchLabels: {tier: '%d'}}}, ingress: [{action: Pass, from: [{pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: %s}}}}]}]}\n", i, i, i%3, app)
		case 2:
			fmt.Fprintf(&b, "---\napiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: p%d}\nspec: {order: %d, selector: \"app == '%s'\", types: [Ingress], ingress: [{action: Allow, source: {selector: \"role in {'1', '2'}\"}}]}\n", i, i, app)
		default:
			fmt.Fprintf(&b, "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p%d, namespace: %s}\nspec: {podSelector: {matchLabels: {app: %s}}, ingress: [{from: [{podSelector: {matchLabels: {role: '0'}}}, {namespaceSelector: {matchLabels: {tier: '1'}}, podSelector: {matchLabels: {role: '%d'}}}], ports: [{port: http}]}]}\n", i, ns, app, i%4)
		}
	}
	return c, b.String()
}

func BenchmarkPodMatrix5000(b *testing.B) { benchmarkPods(b, 5000, 500) }
func BenchmarkPodMatrix50(b *testing.B)   { benchmarkPods(b, 50, 500) }

// benchmarkPods reads the policies, evaluates, and looks at every single pair. What
// reading takes is shown on its own: it depends on the policies alone.
func benchmarkPods(b *testing.B, pods, policies int) {
	c, documents := town(pods, policies)
	s := objects(b, documents)
	b.ReportAllocs()
	reading := time.Duration(0)
	for b.Loop() {
		start := time.Now()
		m, err := model.New(s, c)
		if err != nil {
			b.Fatal(err)
		}
		reading += time.Since(start)
		x, err := m.Pods(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		reachable, total := 0, 0
		for r := range x.All() {
			if total++; r.Outcome == reach.Reachable {
				reachable++
			}
		}
		if total != x.Len() || reachable == 0 || reachable == total {
			b.Fatalf("%d of %d results are reachable, want %d of both kinds", reachable, total, x.Len())
		}
		b.ReportMetric(float64(x.Len()), "pairs")
	}
	b.ReportMetric(float64(reading.Nanoseconds())/float64(b.N), "reading-ns/op")
}
