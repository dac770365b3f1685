package simulate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corev1listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
)

// binder is a small scheduler: node selectors, node affinity, taints and claims count;
// requests, pod affinity and spread constraints do not. The pods of one owner go to the
// nodes in turn.
type binder struct {
	client kubernetes.Interface
	pods   corev1listers.PodLister
	nodes  corev1listers.NodeLister
	claims corev1listers.PersistentVolumeClaimLister
	turn   map[types.UID]int // by owner; used by one goroutine
}

func startBinder(ctx context.Context, client kubernetes.Interface, shared informers.SharedInformerFactory) error {
	core := shared.Core().V1()
	b := &binder{
		client: client, pods: core.Pods().Lister(), nodes: core.Nodes().Lister(),
		claims: core.PersistentVolumeClaims().Lister(), turn: map[types.UID]int{},
	}
	// Asked for here, so that the factory starts it.
	core.Nodes().Informer()
	return reconcile(ctx, core.Pods().Informer(), b.bind)
}

func (b *binder) bind(ctx context.Context, key string) error {
	namespace, name, err := cache.SplitMetaNamespaceKey(key)
	if err != nil {
		return nil
	}
	pod, err := b.pods.Pods(namespace).Get(name)
	if err != nil || !schedulable(pod) {
		return nil
	}
	fitting, reason := b.fittingNodes(ctx, pod)
	if reason != "" {
		return b.unschedulable(ctx, pod, reason)
	}
	owner := pod.UID
	if ref := metav1.GetControllerOf(pod); ref != nil {
		owner = ref.UID
	}
	target := fitting[b.turn[owner]%len(fitting)]
	err = b.client.CoreV1().Pods(namespace).Bind(ctx, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: pod.UID},
		Target:     corev1.ObjectReference{Kind: "Node", Name: target},
	}, metav1.CreateOptions{})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil // gone, or bound already and the cache is behind
	}
	if err == nil {
		b.turn[owner]++
	}
	return err
}

func schedulable(pod *corev1.Pod) bool {
	return pod.Spec.NodeName == "" && pod.DeletionTimestamp == nil && len(pod.Spec.SchedulingGates) == 0 &&
		pod.Spec.SchedulerName == corev1.DefaultSchedulerName
}

// fittingNodes returns the names of the nodes that the pod may run on, sorted, or the
// reason why there are none.
func (b *binder) fittingNodes(ctx context.Context, pod *corev1.Pod) (names []string, reason string) {
	for _, volume := range pod.Spec.Volumes {
		if claim := volume.PersistentVolumeClaim; claim != nil {
			found, err := b.claims.PersistentVolumeClaims(pod.Namespace).Get(claim.ClaimName)
			if err != nil {
				return nil, fmt.Sprintf("persistentvolumeclaim %q not found", claim.ClaimName)
			}
			if found.Status.Phase != corev1.ClaimBound {
				return nil, fmt.Sprintf("persistentvolumeclaim %q is not bound", claim.ClaimName)
			}
		}
	}
	nodes, err := b.nodes.List(labels.Everything())
	if err != nil {
		return nil, err.Error()
	}
	required := nodeaffinity.GetRequiredNodeAffinity(pod)
	for _, node := range nodes {
		matches, err := required.Match(node)
		if err == nil && matches && tolerates(ctx, pod, node) {
			names = append(names, node.Name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Sprintf("0/%d nodes are available: none matches the pod's node selector, affinity and tolerations", len(nodes))
	}
	slices.SortFunc(names, strings.Compare)
	return names, ""
}

func tolerates(ctx context.Context, pod *corev1.Pod, node *corev1.Node) bool {
	taints := node.Spec.Taints
	if node.Spec.Unschedulable {
		taints = append(slices.Clone(taints), corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule})
	}
	_, untolerated := corev1helpers.FindMatchingUntoleratedTaint(klog.FromContext(ctx), taints, pod.Spec.Tolerations,
		func(taint *corev1.Taint) bool { return taint.Effect != corev1.TaintEffectPreferNoSchedule }, true)
	return !untolerated
}

// unschedulable says in the pod's status why it waits, and returns that as an error so
// that it is tried again.
func (b *binder) unschedulable(ctx context.Context, pod *corev1.Pod, reason string) error {
	condition := corev1.PodCondition{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable,
		Message: reason, LastTransitionTime: metav1.Now(),
	}
	said := func(c corev1.PodCondition) bool { return c.Type == condition.Type && c.Message == reason }
	if !slices.ContainsFunc(pod.Status.Conditions, said) {
		update := pod.DeepCopy()
		update.Status.Conditions = append(slices.DeleteFunc(update.Status.Conditions,
			func(c corev1.PodCondition) bool { return c.Type == condition.Type }), condition)
		if _, err := b.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, update, metav1.UpdateOptions{}); err != nil {
			return err
		}
	}
	return fmt.Errorf("pod is not schedulable: %s", reason)
}
