// Package live takes a snapshot of a running cluster. It only reads, and never reads
// Secrets.
package live

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/stagegate/stagegate/internal/snapshot"
)

const (
	pageSize = 500 // objects in one answer
	parallel = 8   // lists at a time
)

// Take lists every kind of object that reachability depends on. A kind that the cluster
// does not have is left out; anything else that cannot be listed is an error, for a
// smaller snapshot would look like a smaller cluster.
//
// The lists are consistent reads: one from the API server's cache might not show yet what
// has just been applied. They are not of one moment, but each of its own.
func Take(ctx context.Context, config *rest.Config) (*snapshot.Snapshot, error) {
	config = unhurried(config)
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the cluster: %w", err)
	}
	resources, err := find(ctx, config)
	if err != nil {
		return nil, err
	}
	lists := make([][]snapshot.Object, len(resources))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i, r := range resources {
		group.Go(func() (err error) {
			if lists[i], err = list(ctx, client.Resource(r)); err != nil {
				return fmt.Errorf("listing %s: %w", r.GroupResource(), err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("taking a snapshot of the cluster: %w: it would not be whole; see that the credentials may list this everywhere", err)
	}
	return snapshot.New(slices.Concat(lists...)...)
}

// unhurried is a copy of a configuration without the client's own low rate limit; the
// server has its own.
func unhurried(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.QPS = -1
	config.RateLimiter = nil
	return config
}

// list returns all objects of one kind, a page at a time. Where the pages expire while
// they are read, everything is read again in one.
func list(ctx context.Context, client dynamic.ResourceInterface) ([]snapshot.Object, error) {
	var out []snapshot.Object
	options := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := client.List(ctx, options)
		if apierrors.IsResourceExpired(err) && options.Continue != "" {
			out, options = nil, metav1.ListOptions{}
			continue
		}
		if apierrors.IsNotFound(err) { // its API has just been taken away
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			out = append(out, clean(&page.Items[i]))
		}
		if options.Continue = page.GetContinue(); options.Continue == "" {
			return out, nil
		}
	}
}

// clean leaves out what says who wrote which field.
func clean(o *unstructured.Unstructured) snapshot.Object {
	o.SetManagedFields(nil)
	return snapshot.Object{Unstructured: o}
}
