package clustertest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/stagegate/stagegate/internal/cluster"
)

const namespace = "clustertest"

// manifests are applied in this order, each when the one before is there.
const manifests = `
apiVersion: v1
kind: Namespace
metadata: {name: clustertest}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: clustertest}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "registry.k8s.io/pause:3.10", ports: [{containerPort: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: clustertest}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: once, namespace: clustertest}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: once, image: "ghcr.io/stefanprodan/podinfo:6.9.2", command: [./podinfo, --version]}]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.clustertest.stagegate.dev}
spec:
  group: clustertest.stagegate.dev
  scope: Namespaced
  names: {kind: Widget, plural: widgets, singular: widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties: {spec: {type: object, properties: {size: {type: integer}}}}
---
apiVersion: clustertest.stagegate.dev/v1
kind: Widget
metadata: {name: one, namespace: clustertest}
spec: {size: 1}
`

// objects applies the manifests and waits for what users of a cluster rely on.
func objects(t *testing.T, c *cluster.Cluster) {
	client, err := kubernetes.NewForConfig(c.REST)
	if err != nil {
		t.Fatal(err)
	}
	dynamicClient, err := dynamic.NewForConfig(c.REST)
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range strings.Split(manifests, "\n---\n") {
		apply(t, dynamicClient, document)
	}
	eventually(t, "Deployment web has 2 ready pods", func(ctx context.Context) error { return deploymentReady(ctx, client) })
	eventually(t, "its endpoints are those pods", func(ctx context.Context) error { return endpointsReady(ctx, client) })
	eventually(t, "Job once completes", func(ctx context.Context) error { return jobComplete(ctx, client) })
	if err := client.CoreV1().Namespaces().Delete(t.Context(), namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the namespace and all in it is gone", func(ctx context.Context) error {
		_, err := client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(errors.New("it is still there"), err)
	})
}

// apply uses server-side apply, as stagegate does, and waits for the kind to be served.
func apply(t *testing.T, client dynamic.Interface, document string) {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(document), object); err != nil {
		t.Fatal(err)
	}
	gvk := object.GroupVersionKind()
	resource := client.Resource(schema.GroupVersionResource{
		Group: gvk.Group, Version: gvk.Version, Resource: strings.ToLower(gvk.Kind) + "s",
	}).Namespace(object.GetNamespace())
	eventually(t, "applying "+gvk.Kind+" "+object.GetName(), func(ctx context.Context) error {
		_, err := resource.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: "clustertest"})
		return err
	})
}

func deploymentReady(ctx context.Context, client kubernetes.Interface) error {
	web, err := client.AppsV1().Deployments(namespace).Get(ctx, "web", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if status := web.Status; status.ReadyReplicas != 2 || status.ObservedGeneration != web.Generation {
		return fmt.Errorf("status is %+v", status)
	}
	return available(web)
}

func available(web *appsv1.Deployment) error {
	for _, condition := range web.Status.Conditions {
		if condition.Type == appsv1.DeploymentAvailable && condition.Status == corev1.ConditionTrue {
			return nil
		}
	}
	return fmt.Errorf("conditions are %+v", web.Status.Conditions)
}

func endpointsReady(ctx context.Context, client kubernetes.Interface) error {
	pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=web"})
	if err != nil {
		return err
	}
	slices, err := client.DiscoveryV1().EndpointSlices(namespace).List(ctx, metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=web"})
	if err != nil {
		return err
	}
	ready := map[string]bool{}
	for _, slice := range slices.Items {
		for _, endpoint := range slice.Endpoints {
			for _, address := range endpoint.Addresses {
				ready[address] = endpoint.Conditions.Ready != nil && *endpoint.Conditions.Ready
			}
		}
	}
	for _, pod := range pods.Items {
		if pod.Status.PodIP == "" || pod.Spec.NodeName == "" || !ready[pod.Status.PodIP] {
			return fmt.Errorf("pod %s on node %q has address %q; ready endpoints are %v", pod.Name, pod.Spec.NodeName, pod.Status.PodIP, ready)
		}
	}
	if len(pods.Items) != 2 || len(ready) != 2 {
		return fmt.Errorf("there are %d pods and %d endpoints; want 2 of each", len(pods.Items), len(ready))
	}
	return nil
}

func jobComplete(ctx context.Context, client kubernetes.Interface) error {
	job, err := client.BatchV1().Jobs(namespace).Get(ctx, "once", metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, condition := range job.Status.Conditions {
		if condition.Type == batchv1.JobComplete && condition.Status == corev1.ConditionTrue {
			return nil
		}
	}
	return fmt.Errorf("status is %+v", job.Status)
}

// eventually fails the test with the last reason where done does not come to return nil.
func eventually(t *testing.T, what string, done func(context.Context) error) {
	t.Helper()
	var last error
	start := time.Now()
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, Timeout, true, func(ctx context.Context) (bool, error) {
		last = done(ctx)
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("%s: %v: %v", what, err, last)
	}
	t.Logf("%s: after %s", what, time.Since(start).Round(time.Millisecond))
}
