package apply

import (
	"cmp"
	"slices"

	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"

	"github.com/stagegate/stagegate/internal/snapshot"
)

// stage is a step of an apply; each starts when the one before it is in force.
type stage int

// The stages, in the order of an apply.
const (
	stageNamespaces stage = iota
	stageCRDs
	stageObjects
	stageWebhooks
)

func stageOf(k snapshot.Key) stage {
	switch {
	case k.Group == namespaceKind.Group && k.Kind == namespaceKind.Kind:
		return stageNamespaces
	case k.Group == crdKind.Group && k.Kind == crdKind.Kind:
		return stageCRDs
	case k.Group == "admissionregistration.k8s.io":
		return stageWebhooks
	}
	return stageObjects
}

// rank orders kinds as Helm installs them; custom resources come after what serves them.
func rank(k snapshot.Key) int {
	if i := slices.Index(releaseutil.InstallOrder, k.Kind); i >= 0 && !custom(k.Group) {
		return i
	}
	return len(releaseutil.InstallOrder)
}

func byRank(a, b snapshot.Key) int {
	return cmp.Or(cmp.Compare(stageOf(a), stageOf(b)), cmp.Compare(rank(a), rank(b)))
}

// groups splits objects, in order of application, into runs that may go at once.
func groups(objects []*planned) [][]*planned {
	sorted := slices.Clone(objects)
	slices.SortStableFunc(sorted, func(a, b *planned) int { return byRank(a.key, b.key) })
	var out [][]*planned
	for i, o := range sorted {
		if i == 0 || byRank(sorted[i-1].key, o.key) != 0 {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], o)
	}
	return out
}

// custom is true for API groups that Kubernetes itself does not serve: what comes with a CRD.
func custom(group string) bool {
	switch group {
	case "", "apps", "batch", "autoscaling", "policy", "extensions":
		return false
	case "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io",
		"authentication.k8s.io", "authorization.k8s.io", "certificates.k8s.io", "coordination.k8s.io",
		"discovery.k8s.io", "events.k8s.io", "flowcontrol.apiserver.k8s.io", "internal.apiserver.k8s.io",
		"networking.k8s.io", "node.k8s.io", "rbac.authorization.k8s.io", "resource.k8s.io",
		"scheduling.k8s.io", "storage.k8s.io", "storagemigration.k8s.io":
		return false
	}
	return true
}
