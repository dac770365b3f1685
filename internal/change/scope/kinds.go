package scope

import "k8s.io/apimachinery/pkg/runtime/schema"

var definitionKind = schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}

// namespacedGroups are the groups beyond Kubernetes' own whose cluster-scoped kinds are
// all in clusterKinds.
var namespacedGroups = map[string]bool{
	"crd.projectcalico.org":     true,
	"projectcalico.org":         true,
	"gateway.networking.k8s.io": true,
	"policy.networking.k8s.io":  true,
	"cert-manager.io":           true,
}

// clusterKinds are the cluster-scoped kinds by group: Kubernetes 1.37, Calico 3.28,
// Gateway API 1.6, the network policy API, cert-manager 1.x.
var clusterKinds = map[string]map[string]bool{
	"":                             set("Namespace", "Node", "PersistentVolume", "ComponentStatus"),
	"admissionregistration.k8s.io": set("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"),
	"apiextensions.k8s.io":         set("CustomResourceDefinition"),
	"apiregistration.k8s.io":       set("APIService"),
	"authentication.k8s.io":        set("TokenReview", "SelfSubjectReview"),
	"authorization.k8s.io":         set("SubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview"),
	"certificates.k8s.io":          set("CertificateSigningRequest", "ClusterTrustBundle"),
	"flowcontrol.apiserver.k8s.io": set("FlowSchema", "PriorityLevelConfiguration"),
	"internal.apiserver.k8s.io":    set("StorageVersion"),
	"networking.k8s.io":            set("IngressClass", "IPAddress", "ServiceCIDR"),
	"node.k8s.io":                  set("RuntimeClass"),
	"rbac.authorization.k8s.io":    set("ClusterRole", "ClusterRoleBinding"),
	"resource.k8s.io":              set("DeviceClass", "ResourceSlice", "DeviceTaintRule"),
	"scheduling.k8s.io":            set("PriorityClass"),
	"storage.k8s.io":               set("StorageClass", "VolumeAttachment", "CSIDriver", "CSINode", "VolumeAttributesClass"),
	"storagemigration.k8s.io":      set("StorageVersionMigration"),
	"crd.projectcalico.org":        calico(),
	"projectcalico.org":            calico(),
	"gateway.networking.k8s.io":    set("GatewayClass"),
	"policy.networking.k8s.io":     set("AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy"),
	"cert-manager.io":              set("ClusterIssuer"),
}

func calico() map[string]bool {
	return set("BGPConfiguration", "BGPFilter", "BGPPeer", "BlockAffinity", "CalicoNodeStatus", "ClusterInformation",
		"FelixConfiguration", "GlobalNetworkPolicy", "GlobalNetworkSet", "HostEndpoint", "IPAMBlock", "IPAMConfig",
		"IPAMConfiguration", "IPAMHandle", "IPPool", "IPReservation", "KubeControllersConfiguration", "Node", "Profile",
		"StagedGlobalNetworkPolicy", "Tier")
}

func set(kinds ...string) map[string]bool {
	m := make(map[string]bool, len(kinds))
	for _, k := range kinds {
		m[k] = true
	}
	return m
}
