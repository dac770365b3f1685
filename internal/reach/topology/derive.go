package topology

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/stagegate/stagegate/internal/snapshot"
)

// maxDerived is how many pods stand for a workload: two show what differs between pods
// of the same workload, which are equal to every policy.
const maxDerived = 2

// workload is what all kinds of workloads have in common.
type workload struct {
	object   snapshot.Object
	replicas int
	template corev1.PodTemplateSpec
	perNode  bool
}

func (w workload) id() string { return workloadName(snapshot.KeyOf(w.object.Unstructured)) }

// derivePods gives pods to workloads that have none, or whose pods are not of their
// present template: those will be replaced.
func (b *builder) derivePods() {
	live := map[string][]*Pod{}
	for _, p := range b.cluster.Pods {
		live[p.Workload] = append(live[p.Workload], p)
	}
	missing := map[string]bool{}
	all := b.workloads()
	for _, w := range all {
		if pods := live[w.id()]; len(pods) == 0 || w.replicas == 0 || !b.allMatch(pods, w.template) {
			missing[w.id()] = true
		}
	}
	b.cluster.Pods = slices.DeleteFunc(b.cluster.Pods, func(p *Pod) bool { return missing[p.Workload] })
	taken := map[name]bool{}
	for _, p := range b.cluster.Pods {
		taken[name{p.Namespace, p.Name}] = true
	}
	for _, w := range all {
		if missing[w.id()] {
			b.cluster.Pods = append(b.cluster.Pods, b.derive(w, taken)...)
		}
	}
}

func (b *builder) workloads() []workload {
	var out []workload
	for _, o := range read[appsv1.StatefulSet](b, "apps", "StatefulSet") {
		out = append(out, workload{o.Object, replicas(o.value.Spec.Replicas), o.value.Spec.Template, false})
	}
	for _, o := range read[appsv1.Deployment](b, "apps", "Deployment") {
		out = append(out, workload{o.Object, replicas(o.value.Spec.Replicas), o.value.Spec.Template, false})
	}
	for _, o := range read[appsv1.DaemonSet](b, "apps", "DaemonSet") {
		out = append(out, workload{o.Object, maxDerived, o.value.Spec.Template, true})
	}
	for _, o := range read[appsv1.ReplicaSet](b, "apps", "ReplicaSet") {
		out = append(out, workload{o.Object, replicas(o.value.Spec.Replicas), o.value.Spec.Template, false})
	}
	for _, o := range read[corev1.ReplicationController](b, "", "ReplicationController") {
		if o.value.Spec.Template != nil {
			out = append(out, workload{o.Object, replicas(o.value.Spec.Replicas), *o.value.Spec.Template, false})
		}
	}
	out = append(out, b.jobs()...)
	return slices.DeleteFunc(out, func(w workload) bool { return metav1.GetControllerOf(w.object) != nil })
}

func (b *builder) jobs() []workload {
	var out []workload
	for _, o := range read[batchv1.Job](b, "batch", "Job") {
		out = append(out, workload{o.Object, jobReplicas(o.value), o.value.Spec.Template, false})
	}
	for _, o := range read[batchv1.CronJob](b, "batch", "CronJob") {
		n := replicas(o.value.Spec.JobTemplate.Spec.Parallelism)
		if s := o.value.Spec.Suspend; s != nil && *s {
			n = 0
		}
		out = append(out, workload{o.Object, n, o.value.Spec.JobTemplate.Spec.Template, false})
	}
	return out
}

// jobReplicas is 0 for a job that has ended or is suspended.
func jobReplicas(j batchv1.Job) int {
	for _, c := range j.Status.Conditions {
		if (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue {
			return 0
		}
	}
	if s := j.Spec.Suspend; s != nil && *s {
		return 0
	}
	return replicas(j.Spec.Parallelism)
}

func replicas(n *int32) int {
	if n == nil {
		return 1
	}
	return int(*n)
}

// allMatch tells whether pods are what the template makes, as far as reachability goes.
// A pod may have more than its template: admission adds labels and containers.
func (b *builder) allMatch(pods []*Pod, t corev1.PodTemplateSpec) bool {
	want, wantImages := newPod(name{}, t.Labels, t.Spec), images(t.Spec)
	return !slices.ContainsFunc(pods, func(p *Pod) bool {
		return !hasLabels(p.Labels, want.Labels) || p.ServiceAccount != want.ServiceAccount ||
			p.HostNetwork != want.HostNetwork || !containsAll(p.Ports, want.Ports) || !containsAll(images(*b.specs[p]), wantImages)
	})
}

func containsAll[T comparable](all, wanted []T) bool {
	return !slices.ContainsFunc(wanted, func(v T) bool { return !slices.Contains(all, v) })
}

func images(spec corev1.PodSpec) []string {
	var out []string
	for _, c := range runningContainers(spec) {
		out = append(out, c.Name+"="+c.Image)
	}
	return out
}

// derive makes the pods that stand for a workload.
func (b *builder) derive(w workload, taken map[name]bool) []*Pod {
	nodes := b.nodesFor(w.template.Spec)
	n := min(w.replicas, maxDerived)
	if w.perNode && len(b.cluster.Nodes) > 0 {
		n = min(n, len(nodes))
	}
	var out []*Pod
	for i := range n {
		at := derivedName(w.object, i, taken)
		taken[at] = true
		p := newPod(at, w.template.Labels, w.template.Spec)
		p.Workload, p.Derived = w.id(), true
		p.Ready, p.NotReadyReason = b.canRun(w.template.Spec)
		if w.perNode && p.Node == "" && i < len(nodes) {
			p.Node = nodes[i]
		}
		b.specs[p] = &w.template.Spec
		out = append(out, p)
	}
	return out
}

// derivedName is NAME-0 as StatefulSets have it, or with the kind where that is taken.
func derivedName(o snapshot.Object, i int, taken map[name]bool) name {
	at := name{o.GetNamespace(), fmt.Sprintf("%s-%d", o.GetName(), i)}
	if taken[at] {
		at.name = fmt.Sprintf("%s-%s-%d", o.GetName(), strings.ToLower(o.GetKind()), i)
	}
	return at
}

// canRun tells whether a pod that has not run yet can become ready, as far as that can
// be told beforehand.
func (b *builder) canRun(spec corev1.PodSpec) (bool, string) {
	switch {
	case len(spec.Containers) == 0:
		return false, "the template has no containers"
	case len(spec.SchedulingGates) > 0:
		return false, "the template has the scheduling gate " + spec.SchedulingGates[0].Name
	case len(b.cluster.Nodes) > 0 && len(b.nodesFor(spec)) == 0:
		return false, "no node has the labels of its nodeSelector"
	}
	return true, ""
}

// nodesFor are the names of the nodes that a nodeSelector allows.
func (b *builder) nodesFor(spec corev1.PodSpec) []string {
	var names []string
	for _, n := range b.cluster.Nodes {
		if hasLabels(n.Labels, spec.NodeSelector) {
			names = append(names, n.Name)
		}
	}
	return names
}
