package apply

import (
	"fmt"
	"path"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/stagegate/stagegate/internal/change"
)

// belonging tells what the change brought about from what others created: an object is
// the change's where the record has it, where one of those owns it, or where all its field
// managers are programs of the change's workloads. Anything else is someone else's and is
// never deleted.
//
// Programs go by the names of containers, commands and images. One that gives no name, as
// Calico's agent when it writes its ClusterInformation, is the change's where a role that
// the change created lets it create objects of that kind.
type belonging struct {
	uids   map[types.UID]bool
	names  map[string]bool
	grants []rbacv1.PolicyRule
}

// anonymous is the field manager of a Go program that names none.
const anonymous = "Go-http-client"

func (r *reversion) belonging() (*belonging, error) {
	b := &belonging{uids: map[types.UID]bool{}, names: map[string]bool{}}
	for _, record := range r.record.all() {
		for i := range record.Entries {
			if err := b.addEntry(record, &record.Entries[i]); err != nil {
				return nil, err
			}
		}
	}
	return b, nil
}

func (b *belonging) addEntry(record *Record, e *Entry) error {
	if e.Action != change.Create {
		return nil
	}
	b.uids[e.UID] = e.UID != ""
	if !isWorkload(e.Object) && !isRBAC(e.Object) {
		return nil
	}
	o, err := record.after(e)
	if err != nil || o == nil {
		return err
	}
	b.addPrograms(o)
	if err := b.addGrants(o); err != nil {
		return fmt.Errorf("%s: %w", e.Object, err)
	}
	return nil
}

// addGrants notes what a role allows to create.
func (b *belonging) addGrants(role *unstructured.Unstructured) error {
	if kind := role.GetKind(); kind != "ClusterRole" && kind != "Role" {
		return nil
	}
	var r rbacv1.ClusterRole // a Role has the same rules
	if err := fromUnstructured(role.Object, &r); err != nil {
		return err
	}
	for _, rule := range r.Rules {
		if contains(rule.Verbs, "create") {
			b.grants = append(b.grants, rule)
		}
	}
	return nil
}

func (b *belonging) mayCreate(gvr schema.GroupVersionResource) bool {
	return slices.ContainsFunc(b.grants, func(r rbacv1.PolicyRule) bool {
		return contains(r.APIGroups, gvr.Group) && contains(r.Resources, gvr.Resource)
	})
}

func contains(list []string, s string) bool {
	return slices.Contains(list, s) || slices.Contains(list, "*")
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

func (b *belonging) has(gvr schema.GroupVersionResource, o metav1.Object) bool {
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
		if !b.names[m.Manager] && (m.Manager != anonymous || !b.mayCreate(gvr)) {
			return false
		}
	}
	return len(managers) > 0
}
