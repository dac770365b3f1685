package apply

import (
	"strings"

	"github.com/stagegate/stagegate/internal/snapshot"
)

// The classes of objects that a revert tells apart; each object is in exactly one.

func isWebhook(k snapshot.Key) bool   { return stageOf(k) == stageWebhooks }
func isNamespace(k snapshot.Key) bool { return stageOf(k) == stageNamespaces }
func isCRD(k snapshot.Key) bool       { return stageOf(k) == stageCRDs }
func isRBAC(k snapshot.Key) bool      { return k.Group == "rbac.authorization.k8s.io" }

// isInstruction is true for what a controller acts on: policies and custom resources.
func isInstruction(k snapshot.Key) bool {
	return custom(k.Group) || k.Group == "networking.k8s.io" && strings.HasSuffix(k.Kind, "Policy")
}

func isWorkload(k snapshot.Key) bool {
	switch k.Kind {
	case "DaemonSet", "Deployment", "StatefulSet", "ReplicaSet":
		return k.Group == "apps"
	case "Job", "CronJob":
		return k.Group == "batch"
	case "Pod", "ReplicationController":
		return k.Group == ""
	}
	return false
}

// isConfig is everything else.
func isConfig(k snapshot.Key) bool {
	return !isWebhook(k) && !isNamespace(k) && !isCRD(k) && !isRBAC(k) && !isInstruction(k) && !isWorkload(k)
}
