package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"github.com/stagegate/stagegate/internal/reach/model/unmodelled"
)

// kinds are the kinds of a group that a snapshot holds: what runs, what is published and
// what policies say.
func kinds(group string) []string {
	switch group {
	case "":
		return []string{"Namespace", "Node", "Pod", "ReplicationController", "Service", "ServiceAccount"}
	case "apps":
		return []string{"DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"}
	case "batch":
		return []string{"CronJob", "Job"}
	case "argoproj.io":
		return []string{"Rollout"}
	case "discovery.k8s.io":
		return []string{"EndpointSlice"}
	case "networking.k8s.io":
		return []string{"Ingress", "IngressClass", "NetworkPolicy"}
	case "gateway.networking.k8s.io":
		return []string{"Gateway", "GatewayClass", "HTTPRoute", "ReferenceGrant"}
	case "policy.networking.k8s.io":
		return []string{"AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy"}
	case "crd.projectcalico.org", "projectcalico.org":
		return []string{
			"FelixConfiguration", "GlobalNetworkPolicy", "GlobalNetworkSet", "HostEndpoint", "IPPool", "KubeControllersConfiguration",
			"NetworkPolicy", "NetworkSet", "Profile", "Tier",
		}
	case "apiextensions.k8s.io":
		return []string{"CustomResourceDefinition"}
	}
	return unmodelled.Kinds()[group]
}

// find returns the resources to list, each in the version that the server prefers. An
// API that does not answer is an error if a snapshot would hold objects of it.
func find(ctx context.Context, config *rest.Config) ([]schema.GroupVersionResource, error) {
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the cluster: %w", err)
	}
	lists, err := client.ServerPreferredResourcesWithContext(ctx)
	if err = relevant(err); err != nil {
		return nil, fmt.Errorf("asking the cluster for its APIs: %w", err)
	}
	var out []schema.GroupVersionResource
	for _, l := range lists {
		gv, err := schema.ParseGroupVersion(l.GroupVersion)
		if err != nil {
			return nil, fmt.Errorf("asking the cluster for its APIs: %w", err)
		}
		for _, r := range l.APIResources {
			if wanted(gv.Group, r) {
				out = append(out, gv.WithResource(r.Name))
			}
		}
	}
	if len(out) == 0 {
		return nil, errors.New("asking the cluster for its APIs: it has none that is known: is it a Kubernetes API server?")
	}
	return out, nil
}

func wanted(group string, r metav1.APIResource) bool {
	return slices.Contains(kinds(group), r.Kind) && slices.Contains(r.Verbs, "list") && !strings.Contains(r.Name, "/")
}

// relevant keeps of a failed discovery what concerns kinds that are listed: metrics that
// do not answer change no edge.
func relevant(err error) error {
	groups, partial := discovery.GroupDiscoveryFailedErrorGroups(err)
	if !partial {
		return err
	}
	var errs []error
	for gv, err := range groups {
		if kinds(gv.Group) != nil {
			errs = append(errs, fmt.Errorf("%s: %w", gv, err))
		}
	}
	return errors.Join(errs...)
}
