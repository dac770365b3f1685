package apply

import (
	"path"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/stagegate/stagegate/internal/change"
)

// belonging tells what the change brought about from what others created: an object is
// the change's where the record has it, where one of those owns it, or where all its field
// managers are programs that only the change's workloads run, as calico-node writes its
// own ClusterInformation. Anything else is someone else's and is never deleted.
type belonging struct {
	uids  map[types.UID]bool
	names map[string]bool
}

func (r *reversion) belonging() (*belonging, error) {
	b := &belonging{map[types.UID]bool{}, map[string]bool{}}
	for i := range r.record.Entries {
		e := &r.record.Entries[i]
		if e.Action != change.Create {
			continue
		}
		b.uids[e.UID] = e.UID != ""
		if !isWorkload(e.Object) {
			continue
		}
		o, err := r.record.after(e)
		if err != nil {
			return nil, err
		}
		if o != nil {
			b.addPrograms(o)
		}
	}
	return b, nil
}

// addPrograms notes the names under which a workload's programs may write: those of its
// containers, of the commands and of the images.
func (b *belonging) addPrograms(workload *unstructured.Unstructured) {
	for _, at := range [][]string{{"spec", "template", "spec", "containers"}, {"spec", "containers"}, {"spec", "jobTemplate", "spec", "template", "spec", "containers"}} {
		containers, _, _ := unstructured.NestedSlice(workload.Object, at...)
		for _, c := range containers {
			m, _ := c.(map[string]any)
			b.addContainer(m)
		}
	}
}

func (b *belonging) addContainer(c map[string]any) {
	image, _, _ := unstructured.NestedString(c, "image")
	image, _, _ = strings.Cut(path.Base(image), "@")
	image, _, _ = strings.Cut(image, ":")
	name, _, _ := unstructured.NestedString(c, "name")
	command, _, _ := unstructured.NestedStringSlice(c, "command")
	names := []string{image, name}
	if len(command) > 0 {
		names = append(names, path.Base(command[0]))
	}
	for _, n := range names {
		if n != "" {
			b.names[n] = true
		}
	}
}

func (b *belonging) has(o metav1.Object) bool {
	if b.uids[o.GetUID()] {
		return true
	}
	for _, owner := range o.GetOwnerReferences() {
		if b.uids[owner.UID] {
			return true
		}
	}
	managers := o.GetManagedFields()
	for _, m := range managers {
		if !b.names[m.Manager] {
			return false
		}
	}
	return len(managers) > 0
}
