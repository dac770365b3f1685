// Package simulate stands in for what a control plane has around it: nodes with their
// kubelets (kwok), a scheduler, a load balancer and a volume provisioner. Nothing runs;
// objects only get the status that they would have.
package simulate

import (
	"context"
	"fmt"
	"time"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
)

// retryDelay is the pause before something that cannot be done yet is tried again.
const retryDelay = 500 * time.Millisecond

// Start makes the nodes and runs the simulation until the context ends.
func Start(ctx context.Context, config *rest.Config, shared informers.SharedInformerFactory) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("simulating nodes: %w", err)
	}
	for _, start := range []func() error{
		func() error { return ensureNodes(ctx, client) },
		func() error { return startKubelets(ctx, config) },
		func() error { return startBinder(ctx, client, shared) },
		func() error { return startLoadBalancer(ctx, client, shared) },
		func() error { return startVolumes(ctx, client, shared) },
	} {
		if err := start(); err != nil {
			return fmt.Errorf("simulating nodes: %w", err)
		}
	}
	shared.Start(ctx.Done())
	return nil
}

// reconcile calls do, one object at a time, with the key of every object of an informer
// that was added or changed, and again after retryDelay where do returns an error.
func reconcile(ctx context.Context, informer cache.SharedIndexInformer, do func(ctx context.Context, key string) error) error {
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]())
	enqueue := func(obj any) {
		if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(obj); err == nil {
			queue.Add(key)
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: enqueue, UpdateFunc: func(_, obj any) { enqueue(obj) }, DeleteFunc: enqueue,
	})
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, queue.ShutDown)
	go func() {
		if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			return
		}
		for next(ctx, queue, do) {
		}
	}()
	return nil
}

func next(ctx context.Context, queue workqueue.TypedRateLimitingInterface[string], do func(ctx context.Context, key string) error) bool {
	key, shutdown := queue.Get()
	if shutdown {
		return false
	}
	defer queue.Done(key)
	if err := do(ctx, key); err != nil {
		klog.FromContext(ctx).V(2).Info("trying again", "object", key, "reason", err)
		queue.AddAfter(key, retryDelay)
	}
	return true
}
