package directory

import (
	"slices"

	"github.com/stagegate/stagegate/internal/snapshot"
)

// setDefaultNamespace does what the API server does for an object that names no
// namespace, where the kind is known to be namespaced.
func setDefaultNamespace(o snapshot.Object) {
	gvk := o.GroupVersionKind()
	if o.GetNamespace() == "" && slices.Contains(namespacedKinds(gvk.Group), gvk.Kind) {
		o.SetNamespace("default")
	}
}

func namespacedKinds(group string) []string {
	switch group {
	case "":
		return []string{"ConfigMap", "Endpoints", "LimitRange", "PersistentVolumeClaim", "Pod", "ReplicationController", "ResourceQuota", "Secret", "Service", "ServiceAccount"}
	case "apps":
		return []string{"DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"}
	case "autoscaling":
		return []string{"HorizontalPodAutoscaler"}
	case "batch":
		return []string{"CronJob", "Job"}
	case "discovery.k8s.io":
		return []string{"EndpointSlice"}
	case "gateway.networking.k8s.io":
		return []string{"Gateway", "GRPCRoute", "HTTPRoute", "ReferenceGrant"}
	case "networking.k8s.io":
		return []string{"Ingress", "NetworkPolicy"}
	case "policy":
		return []string{"PodDisruptionBudget"}
	case "rbac.authorization.k8s.io":
		return []string{"Role", "RoleBinding"}
	case "crd.projectcalico.org", "projectcalico.org":
		return []string{"NetworkPolicy", "NetworkSet"}
	}
	return nil
}
