package cluster

import (
	"context"
	"fmt"
)

// Find returns a cluster that exists, starting one that is stopped. It never makes one:
// who only looks, or takes something back, has no use for a new cluster.
func Find(ctx context.Context, provider Provider, name string, progress Progress) (*Cluster, error) {
	status, err := provider.Status(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case status.State == Absent:
		return nil, fmt.Errorf("there is no cluster %s: stagegate env up --cluster-name %s makes it", name, name)
	case status.State == Broken:
		return nil, fmt.Errorf("cluster %s cannot be used as it is: %s: where stagegate made it, stagegate env up --cluster-name %s mends it", name, status.Detail, name)
	}
	return provider.Ensure(ctx, name, false, progress)
}
