package topology

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
)

// namespaces takes the Namespace objects, and implies those that objects are in.
func (b *builder) namespaces() {
	for _, o := range b.snapshot.All() {
		name, labels := o.GetNamespace(), map[string]string(nil)
		if gvk := o.GroupVersionKind(); gvk.Group == "" && gvk.Kind == "Namespace" {
			name, labels = o.GetName(), o.GetLabels()
		}
		if name == "" || labels == nil && b.cluster.Namespaces[name] != nil {
			continue
		}
		b.cluster.Namespaces[name] = newNamespace(name, labels)
	}
}

func newNamespace(name string, labels map[string]string) *Namespace {
	n := &Namespace{Name: name, Labels: map[string]string{corev1.LabelMetadataName: name}}
	for k, v := range labels {
		if k != corev1.LabelMetadataName { // the API server sets it, whatever is written
			n.Labels[k] = v
		}
	}
	return n
}

func (b *builder) nodes() {
	for _, node := range read[corev1.Node](b, "", "Node") {
		n := &Node{Name: node.GetName(), Labels: node.GetLabels()}
		for _, a := range node.value.Status.Addresses {
			if ip, err := netip.ParseAddr(a.Address); err == nil { // host names are none
				n.IPs = append(n.IPs, ip)
			}
		}
		b.cluster.Nodes = append(b.cluster.Nodes, n)
	}
}
