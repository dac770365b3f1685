package live

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
)

// Capabilities are what a cluster can do, as Helm's .Capabilities have it: its version,
// such as "v1.36.3", and its APIs, such as "apps/v1" and "apps/v1/Deployment", sorted.
// APIs of aggregated servers that do not answer are left out, as Helm leaves them out.
func Capabilities(ctx context.Context, config *rest.Config) (kubeVersion string, apiVersions []string, err error) {
	client, err := discovery.NewDiscoveryClientForConfig(unhurried(config))
	if err != nil {
		return "", nil, fmt.Errorf("connecting to the cluster: %w", err)
	}
	version, err := client.ServerVersionWithContext(ctx)
	if err != nil {
		return "", nil, fmt.Errorf("asking the cluster for its version: %w", err)
	}
	_, lists, err := client.ServerGroupsAndResourcesWithContext(ctx)
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		return "", nil, fmt.Errorf("asking the cluster for its APIs: %w", err)
	}
	for _, l := range lists {
		apiVersions = append(apiVersions, l.GroupVersion)
		for _, r := range l.APIResources {
			if !strings.Contains(r.Name, "/") {
				apiVersions = append(apiVersions, l.GroupVersion+"/"+r.Kind)
			}
		}
	}
	slices.Sort(apiVersions)
	return version.GitVersion, slices.Compact(apiVersions), nil
}
