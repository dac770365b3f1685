package apply

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// Risks names what an object can break, after its kind and content.
func Risks(o *unstructured.Unstructured) []change.Risk {
	var risks []change.Risk
	if r := kindRisk(o.GroupVersionKind().Group, o.GetKind()); r != "" {
		risks = append(risks, r)
	}
	if conversion, _, _ := unstructured.NestedString(o.Object, "spec", "conversion", "strategy"); conversion == "Webhook" {
		risks = append(risks, change.RiskWebhook)
	}
	if isCNI(o) {
		risks = append(risks, change.RiskCNI)
	}
	if o.GetNamespace() == "kube-system" || o.GetKind() == "Namespace" && o.GetName() == "kube-system" {
		risks = append(risks, change.RiskSystem)
	}
	return risks
}

func kindRisk(group, kind string) change.Risk {
	switch group {
	case "apiextensions.k8s.io":
		return change.RiskCRD
	case "admissionregistration.k8s.io", "apiregistration.k8s.io":
		return change.RiskWebhook
	case "rbac.authorization.k8s.io":
		return change.RiskRBAC
	case "storage.k8s.io", "snapshot.storage.k8s.io":
		return change.RiskStorage
	case "cilium.io", "crd.antrea.io", "crd.projectcalico.org", "k8s.ovn.org", "network.openshift.io", "projectcalico.org":
		return networkRisk(kind)
	case "policy.linkerd.io", "policy.networking.k8s.io", "security.istio.io", "vpcresources.k8s.aws":
		return change.RiskPolicy
	case "operator.tigera.io", "k8s.cni.cncf.io":
		return change.RiskCNI
	}
	switch kind {
	case "NetworkPolicy":
		return change.RiskPolicy
	case "PersistentVolume", "PersistentVolumeClaim":
		return change.RiskStorage
	}
	return ""
}

// isPolicy is true for what allows and forbids traffic.
func isPolicy(k snapshot.Key) bool { return kindRisk(k.Group, k.Kind) == change.RiskPolicy }

// networkRisk tells the policies of a network plug-in from its other settings.
func networkRisk(kind string) change.Risk {
	if isPolicyKind(kind) {
		return change.RiskPolicy
	}
	return change.RiskCNI
}

func isPolicyKind(kind string) bool {
	return strings.HasSuffix(kind, "Policy") || strings.HasSuffix(kind, "NetworkSet") || slices.Contains([]string{"EgressFirewall", "HostEndpoint", "Tier"}, kind)
}

// isCNI recognises a network plug-in's or policy engine's DaemonSet: by name, or by what
// it mounts of the node.
func isCNI(o *unstructured.Unstructured) bool {
	if o.GetKind() != "DaemonSet" {
		return false
	}
	for _, name := range []string{"calico", "canal", "cilium", "flannel", "weave", "antrea", "aws-node", "kube-router", "kindnet", "ovn", "multus", "azure-cni", "kube-proxy"} {
		if strings.Contains(o.GetName(), name) {
			return true
		}
	}
	pod, _, _ := unstructured.NestedMap(o.Object, "spec", "template", "spec")
	volumes, _, _ := unstructured.NestedSlice(pod, "volumes")
	mountsCNI := slices.ContainsFunc(volumes, func(v any) bool {
		m, _ := v.(map[string]any)
		path, _, _ := unstructured.NestedString(m, "hostPath", "path")
		return strings.HasPrefix(path, "/etc/cni") || strings.HasPrefix(path, "/opt/cni")
	})
	hostNetwork, _, _ := unstructured.NestedBool(pod, "hostNetwork")
	return mountsCNI || hostNetwork && o.GetNamespace() == "kube-system"
}
