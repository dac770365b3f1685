package unmodelled

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/stagegate/stagegate/internal/reach/model/policy"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// cilium: a policy has a spec, or several. One for nodes applies to no pod.
func cilium(o snapshot.Object) scope {
	var subject policy.Or
	var governs [2]bool
	for _, v := range append([]any{o.Object["spec"]}, list(o.Object["specs"])...) {
		rule := mapping(v)
		_, nodes := rule["nodeSelector"]
		if rule == nil || nodes {
			continue
		}
		subject = append(subject, ciliumSubject(rule["endpointSelector"], o.GetNamespace()))
		here := directions(rule, "ingress", "egress")
		governs[policy.Ingress] = governs[policy.Ingress] || here[policy.Ingress]
		governs[policy.Egress] = governs[policy.Egress] || here[policy.Egress]
	}
	if len(subject) == 0 {
		return scope{}
	}
	return scope{subject: subject, governs: governs}
}

// What Cilium adds to the labels of a pod.
const (
	ciliumNamespace       = "io.kubernetes.pod.namespace"
	ciliumNamespaceLabels = "io.cilium.k8s.namespace.labels."
)

// ciliumSubject brings a selector into the form that Kubernetes has: keys lose their
// source ("k8s:app"), and those about the namespace go into a selector of their own. A
// requirement of another source is left out, which selects more.
func ciliumSubject(v any, namespace string) policy.Expr {
	namespaces, pod := map[string]any{}, map[string]any{}
	place := func(key string) (map[string]any, string) {
		source, bare, found := strings.Cut(key, ":")
		switch {
		case !found:
			bare = key
		case source != "k8s" && source != "any":
			return nil, ""
		}
		if bare == ciliumNamespace {
			return namespaces, corev1.LabelMetadataName
		}
		if label, ok := strings.CutPrefix(bare, ciliumNamespaceLabels); ok {
			return namespaces, label
		}
		return pod, bare
	}
	for key, value := range mapping(mapping(v)["matchLabels"]) {
		if into, label := place(key); into != nil {
			add(into, map[string]any{"key": label, "operator": "In", "values": []any{value}})
		}
	}
	for _, e := range list(mapping(v)["matchExpressions"]) {
		key, _ := mapping(e)["key"].(string)
		if into, label := place(key); into != nil {
			add(into, map[string]any{"key": label, "operator": mapping(e)["operator"], "values": mapping(e)["values"]})
		}
	}
	return pods(namespace, namespaces, pod)
}

func add(selector, requirement map[string]any) {
	if requirement["values"] == nil {
		delete(requirement, "values")
	}
	selector["matchExpressions"] = append(list(selector["matchExpressions"]), requirement)
}
