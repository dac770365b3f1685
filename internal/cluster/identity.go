package cluster

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Identity is what tells one cluster from another, and what it runs.
type Identity struct {
	// UID is that of the namespace kube-system, which lives as long as the cluster.
	UID string
	// Version is the API server's, such as "v1.37.2".
	Version string
}

// Identify asks a cluster for its identity.
func Identify(ctx context.Context, config *rest.Config) (Identity, error) {
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		return Identity{}, fmt.Errorf("making a client: %w", err)
	}
	system, err := clients.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		return Identity{}, fmt.Errorf("reading the cluster's identity: %w", err)
	}
	version, err := clients.Discovery().ServerVersion()
	if err != nil {
		return Identity{}, fmt.Errorf("reading the cluster's version: %w", err)
	}
	return Identity{UID: string(system.UID), Version: version.GitVersion}, nil
}
