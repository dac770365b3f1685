//go:build e2e

package probes_test

import (
	"os"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"

	"github.com/stagegate/stagegate/internal/e2e/e2etest"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/live"
)

// TestTwoNodes probes each identity from both nodes, and an ingress controller on the
// host's network through its host port.
func TestTwoNodes(t *testing.T) {
	w := newWorld(t, "nodes", v1alpha4.ControlPlaneRole, v1alpha4.WorkerRole)
	content, err := os.ReadFile("testdata/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w.applyText("shop.yaml", strings.NewReplacer(
		"serviceAccountName: traefik\n", "serviceAccountName: traefik\n      hostNetwork: true\n",
		"{name: podinfo, namespace: shop}\nspec:\n  selector: {matchLabels: {app: podinfo}}\n", "{name: podinfo, namespace: shop}\nspec:\n  replicas: 2\n  selector: {matchLabels: {app: podinfo}}\n",
		"metadata: {labels: {app: podinfo}}\n    spec:\n", "metadata: {labels: {app: podinfo}}\n    spec:\n      affinity: {podAntiAffinity: "+
			"{requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: podinfo}}}]}}\n",
	).Replace(string(content)))
	if err := w.clients.CoreV1().Services("traefik").Delete(t.Context(), "traefik", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.ready("traefik", 1)
	w.ready("shop", 2)
	p := w.prober("run-nodes", live.Options{})
	defer w.nothingLeft()
	defer func() {
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	w.awaitTraefik(p)
	w.want(p, map[string][2]string{
		published: {"reachable", "the host port"},
		inside:    {"reachable", "the host network of node"},
		"deployment/shop/podinfo -> service/shop/podinfo:80/TCP": {"reachable", "stand-in of deployment/shop/podinfo"},
		"deployment/shop/podinfo -> service/shop/nobody:80/TCP":  {"unreachable", "refused"},
	})
	pods, err := w.clients.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{LabelSelector: reach.ProbeLabel})
	if err != nil {
		t.Fatal(err)
	}
	nodes := map[string]map[string]bool{"shop": {}, "traefik": {}}
	for _, pod := range pods.Items {
		nodes[pod.Namespace][pod.Spec.NodeName] = true
		if pod.Spec.HostNetwork != (pod.Namespace == "traefik") {
			t.Errorf("probe pod %s/%s: host network %v", pod.Namespace, pod.Name, pod.Spec.HostNetwork)
		}
	}
	if len(nodes["shop"]) != 2 || len(nodes["traefik"]) != 2 {
		t.Errorf("probed from nodes %v; want two of each identity", nodes)
	}
	w.cutBetweenNodes(p)
}

// cutBetweenNodes drops what one node sends to the pod on the other: an edge through a
// Service whose other endpoint is on the same node is found cut all the same.
func (w *world) cutBetweenNodes(p *live.Prober) {
	const node = "stagegate-nodes-control-plane"
	pods, err := w.clients.CoreV1().Pods("shop").List(w.t.Context(), metav1.ListOptions{LabelSelector: "app=podinfo,!" + reach.ProbeLabel})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, pod := range pods.Items {
		if pod.Spec.NodeName != node {
			e2etest.Engine(w.t, nil, "exec", node, "iptables", "-I", "FORWARD", "-d", pod.Status.PodIP, "-j", "DROP")
		}
	}
	w.want(p, map[string][2]string{
		"deployment/shop/podinfo -> service/shop/podinfo:80/TCP": {"unreachable", "stand-in of deployment/shop/podinfo on node " + node},
	})
}
