package topology

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/stagegate/stagegate/internal/snapshot"
)

// Build makes a cluster of a snapshot. What it cannot understand is in Problems, with
// the file and line where there is one.
func Build(s *snapshot.Snapshot) *Cluster {
	b := &builder{snapshot: s, cluster: &Cluster{Namespaces: map[string]*Namespace{}}, specs: map[*Pod]*corev1.PodSpec{}}
	b.namespaces()
	b.nodes()
	b.pods()
	if s.Derived {
		b.derivePods()
	}
	b.sortPods()
	b.indexPods()
	b.services()
	b.routes()
	return b.cluster
}

// builder holds what the steps hand on.
type builder struct {
	snapshot *snapshot.Snapshot
	cluster  *Cluster

	specs       map[*Pod]*corev1.PodSpec
	podsByName  map[name]*Pod
	podsByIP    map[netip.Addr]*Pod // but for those on the host network
	podsByLabel map[label][]*Pod
	byService   map[name]*Service
}

// name is a namespaced name.
type name struct{ namespace, name string }

func (n name) String() string { return n.namespace + "/" + n.name }

// label is a label of pods in one namespace.
type label struct{ namespace, key, value string }

// item is an object in its API type.
type item[T any] struct {
	snapshot.Object
	value T
}

func (i item[T]) at() name { return name{i.GetNamespace(), i.GetName()} }

// read returns the objects of one kind in their API type. One that does not fit it is a problem.
func read[T any](b *builder, group, kind string) []item[T] {
	objects := b.snapshot.Kind(group, kind)
	out := make([]item[T], 0, len(objects))
	for _, o := range objects {
		i := item[T]{Object: o}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Unstructured.Object, &i.value); err != nil {
			b.problem(o, "it does not fit its API: %v", err)
			continue
		}
		out = append(out, i)
	}
	return out
}

func (b *builder) problem(o snapshot.Object, format string, args ...any) {
	b.cluster.Problems = append(b.cluster.Problems, about(o, fmt.Sprintf(format, args...)))
}

func (b *builder) note(o snapshot.Object, text string) {
	b.cluster.Notes = append(b.cluster.Notes, about(o, text))
}

// about names the object, and its place where there is one.
func about(o snapshot.Object, text string) string {
	text = snapshot.KeyOf(o.Unstructured).String() + ": " + text
	if o.Source != "" {
		text = o.Source + ": " + text
	}
	return text
}

func (b *builder) sortPods() {
	slices.SortFunc(b.cluster.Pods, func(p, q *Pod) int {
		return cmp.Or(cmp.Compare(p.Namespace, q.Namespace), cmp.Compare(p.Name, q.Name))
	})
}

// indexPods makes pods findable by name and by each of their labels.
func (b *builder) indexPods() {
	b.podsByName = make(map[name]*Pod, len(b.cluster.Pods))
	b.podsByIP = map[netip.Addr]*Pod{}
	b.podsByLabel = map[label][]*Pod{}
	for _, p := range b.cluster.Pods {
		b.podsByName[name{p.Namespace, p.Name}] = p
		if !p.HostNetwork {
			for _, ip := range p.IPs {
				b.podsByIP[ip] = p
			}
		}
		for k, v := range p.Labels {
			at := label{p.Namespace, k, v}
			b.podsByLabel[at] = append(b.podsByLabel[at], p)
		}
	}
}

// selectPods returns the pods of a namespace that have all of the labels; none for an
// empty selector, which is what a Service means by it.
func (b *builder) selectPods(namespace string, selector map[string]string) []*Pod {
	var candidates []*Pod
	first := true
	for k, v := range selector {
		found := b.podsByLabel[label{namespace, k, v}]
		if first || len(found) < len(candidates) {
			candidates, first = found, false
		}
	}
	var out []*Pod
	for _, p := range candidates {
		if hasLabels(p.Labels, selector) {
			out = append(out, p)
		}
	}
	return out
}

func hasLabels(labels, wanted map[string]string) bool {
	for k, v := range wanted {
		if got, ok := labels[k]; !ok || got != v {
			return false
		}
	}
	return true
}
