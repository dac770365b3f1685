package unmodelled

import (
	"strings"

	"github.com/stagegate/stagegate/internal/reach/model/policy"
	"github.com/stagegate/stagegate/internal/snapshot"
)

func spec(o snapshot.Object) map[string]any { return mapping(o.Object["spec"]) }

// antrea: a policy applies to what spec.appliedTo names, or each of its rules.
func antrea(o snapshot.Object) scope {
	spec := spec(o)
	targets := list(spec["appliedTo"])
	for _, direction := range []string{"ingress", "egress"} {
		for _, rule := range list(spec[direction]) {
			targets = append(targets, list(mapping(rule)["appliedTo"])...)
		}
	}
	subject := policy.Or{}
	for _, t := range targets {
		subject = append(subject, antreaTarget(mapping(t), o.GetNamespace()))
	}
	if len(subject) == 0 {
		subject = policy.Or{all(o.GetNamespace())}
	}
	return scope{subject: subject, governs: directions(spec, "ingress", "egress")}
}

// antreaTarget: groups, Services and service accounts are not followed.
func antreaTarget(target map[string]any, namespace string) policy.Expr {
	for field := range target {
		if field != "podSelector" && field != "namespaceSelector" {
			return all(namespace)
		}
	}
	if _, wide := target["namespaceSelector"]; wide {
		namespace = ""
	}
	return pods(namespace, target["namespaceSelector"], target["podSelector"])
}

// istioRoot is the namespace whose policies apply to all namespaces, as it is installed.
const istioRoot = "istio-system"

func istioAuthorization(o snapshot.Object) scope {
	if spec(o)["action"] == "AUDIT" {
		return scope{}
	}
	return istio(o)
}

// istioPeers: only what has to be encrypted is refused otherwise.
func istioPeers(o snapshot.Object) scope {
	strict := mapping(spec(o)["mtls"])["mode"] == "STRICT"
	for _, port := range mapping(spec(o)["portLevelMtls"]) {
		strict = strict || mapping(port)["mode"] == "STRICT"
	}
	if !strict {
		return scope{}
	}
	return istio(o)
}

// istio: a policy that is attached to a gateway or Service may decide for any pod there.
func istio(o snapshot.Object) scope {
	namespace := o.GetNamespace()
	if namespace == istioRoot {
		namespace = ""
	}
	return scope{
		subject: pods(namespace, nil, mapping(spec(o)["selector"])),
		governs: [2]bool{policy.Ingress: true},
	}
}

// linkerd: a Server closes a port to all that no authorization names.
func linkerd(o snapshot.Object) scope {
	return scope{subject: pods(o.GetNamespace(), nil, spec(o)["podSelector"]), governs: [2]bool{policy.Ingress: true}}
}

// egressFirewall: what pods of the namespace send out of the cluster. The nodes count as
// outside.
func egressFirewall(o snapshot.Object) scope {
	return scope{subject: all(o.GetNamespace()), governs: [2]bool{policy.Egress: true}, others: policy.Not{Expr: all("")}}
}

// securityGroups: the groups' rules are in the cloud, not in the cluster.
func securityGroups(o snapshot.Object) scope {
	return scope{subject: pods(o.GetNamespace(), nil, spec(o)["podSelector"]), governs: [2]bool{true, true}}
}

// directions are those that have a field; both where none has one.
func directions(spec map[string]any, ingress, egress string) [2]bool {
	var out [2]bool
	for field := range spec {
		out[policy.Ingress] = out[policy.Ingress] || strings.HasPrefix(field, ingress)
		out[policy.Egress] = out[policy.Egress] || strings.HasPrefix(field, egress)
	}
	if !out[policy.Ingress] && !out[policy.Egress] {
		return [2]bool{true, true}
	}
	return out
}
