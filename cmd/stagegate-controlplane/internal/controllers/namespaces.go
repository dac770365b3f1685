package controllers

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/namespace/deletion"
)

// remainingDelay is the pause before a namespace with content left is looked at again.
// The upstream loop waits 5 s first and then half the pods' grace period: it allows for
// several API servers and real kubelets, of which there are none here.
const remainingDelay = 200 * time.Millisecond

func (m *manager) namespaces(ctx context.Context) error {
	deleter := deletion.NewNamespacedResourcesDeleter(ctx, m.client.CoreV1().Namespaces(), m.metadata, m.client.CoreV1(),
		m.client.Discovery().ServerPreferredNamespacedResources, corev1.FinalizerKubernetes)
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]())
	enqueue := func(obj any) {
		if namespace, ok := obj.(*corev1.Namespace); ok && namespace.DeletionTimestamp != nil {
			queue.Add(namespace.Name)
		}
	}
	_, err := m.informers.Core().V1().Namespaces().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    enqueue,
		UpdateFunc: func(_, obj any) { enqueue(obj) },
	})
	for range workers {
		m.run(func(ctx context.Context) {
			defer context.AfterFunc(ctx, queue.ShutDown)()
			for deleteNext(ctx, queue, deleter) {
			}
		})
	}
	return err
}

// deleteNext empties one namespace, and returns false when the queue was shut down.
func deleteNext(ctx context.Context, queue workqueue.TypedRateLimitingInterface[string], deleter deletion.NamespacedResourcesDeleterInterface) bool {
	name, shutdown := queue.Get()
	if shutdown {
		return false
	}
	defer queue.Done(name)
	err := deleter.Delete(ctx, name)
	var remaining *deletion.ResourcesRemainingError
	switch {
	case err == nil:
		queue.Forget(name)
	case errors.As(err, &remaining):
		queue.Forget(name)
		queue.AddAfter(name, remainingDelay)
	default:
		klog.FromContext(ctx).Error(err, "deleting the content of a namespace", "namespace", name)
		queue.AddRateLimited(name)
	}
	return true
}
