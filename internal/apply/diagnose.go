package apply

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
)

// diagnose says for people why a workload is not ready: its first pod that waits or
// crashes, or the last warning about it. It never fails; what it cannot find it leaves out.
func (b *Objects) diagnose(ctx context.Context, o *unstructured.Unstructured) string {
	if pods := b.podsOf(ctx, o); len(pods) > 0 {
		for i := range pods {
			if why := podTrouble(&pods[i]); why != "" {
				return why
			}
		}
		for i := range pods {
			if why := b.lastWarning(ctx, pods[i].Namespace, "Pod", pods[i].Name); why != "" {
				return "pod " + pods[i].Name + ": " + why
			}
		}
	}
	if why := replicaFailure(o); why != "" {
		return why
	}
	return b.lastWarning(ctx, o.GetNamespace(), o.GetKind(), o.GetName())
}

// replicaFailure is why a Deployment's pods could not even be created.
func replicaFailure(o *unstructured.Unstructured) string {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range conditions {
		m, _ := c.(map[string]any)
		if m["type"] == "ReplicaFailure" && m["status"] == "True" {
			message, _ := m["message"].(string)
			return Clean(message)
		}
	}
	return ""
}

func (b *Objects) podsOf(ctx context.Context, o *unstructured.Unstructured) []corev1.Pod {
	pods := b.clients.Typed.CoreV1().Pods(o.GetNamespace())
	if o.GetKind() == "Pod" {
		if p, err := pods.Get(ctx, o.GetName(), metav1.GetOptions{}); err == nil {
			return []corev1.Pod{*p}
		}
		return nil
	}
	raw, found, _ := unstructured.NestedMap(o.Object, "spec", "selector")
	if !found {
		return nil
	}
	var selector metav1.LabelSelector
	if err := fromUnstructured(raw, &selector); err != nil || len(selector.MatchLabels)+len(selector.MatchExpressions) == 0 {
		return nil
	}
	list, err := pods.List(ctx, metav1.ListOptions{LabelSelector: metav1.FormatLabelSelector(&selector), Limit: 50})
	if err != nil {
		return nil
	}
	return list.Items
}

// podTrouble is the reason that a container gives for not running.
func podTrouble(p *corev1.Pod) string {
	for _, c := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if w := c.State.Waiting; w != nil && w.Reason != "" && w.Reason != "ContainerCreating" && w.Reason != "PodInitializing" {
			return trouble(p, c.Name, w.Reason, w.Message)
		}
		if t := c.State.Terminated; t != nil && t.ExitCode != 0 {
			return trouble(p, c.Name, t.Reason, fmt.Sprintf("exit code %d", t.ExitCode))
		}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return fmt.Sprintf("pod %s: %s: %s", p.Name, c.Reason, c.Message)
		}
	}
	return ""
}

func trouble(p *corev1.Pod, container, reason, message string) string {
	s := fmt.Sprintf("pod %s: container %s: %s", p.Name, container, reason)
	if message != "" {
		s += ": " + Clean(message)
	}
	return s
}

func (b *Objects) lastWarning(ctx context.Context, namespace, kind, name string) string {
	selector := fields.Set{"involvedObject.kind": kind, "involvedObject.name": name, "type": corev1.EventTypeWarning}
	list, err := b.clients.Typed.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{FieldSelector: selector.AsSelector().String()})
	if err != nil || len(list.Items) == 0 {
		return ""
	}
	last := slices.MaxFunc(list.Items, func(a, b corev1.Event) int { return eventTime(a).Compare(eventTime(b)) })
	return last.Reason + ": " + Clean(last.Message)
}

func eventTime(e corev1.Event) time.Time {
	if !e.LastTimestamp.IsZero() {
		return e.LastTimestamp.Time
	}
	return e.EventTime.Time
}

func fromUnstructured(m map[string]any, into any) error {
	return runtime.DefaultUnstructuredConverter.FromUnstructured(m, into)
}
