package apply

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// takeBackCRDs restores updated CRDs and deletes created ones, unless they have custom
// resources that the change did not create: those would be lost with them.
func (r *reversion) takeBackCRDs(ctx context.Context) error {
	owned, err := r.belonging()
	if err != nil {
		return err
	}
	var created []*Entry
	for _, e := range r.entries(isCRD) {
		if e.Action == change.Update {
			if err := r.restore(ctx, e); err != nil {
				return err
			}
		}
		if e.Action != change.Create {
			continue
		}
		why, err := r.keepCRD(ctx, e, owned)
		if err := r.judge(e.Object, "looking for its custom resources", err); err != nil {
			return err
		}
		if err != nil {
			continue
		}
		if why != "" {
			r.outcome.Leave(e.Object, why)
			continue
		}
		created = append(created, e)
	}
	defer r.clients.Refresh()
	return r.remove(ctx, created)
}

// keepCRD says why a CRD must stay; empty where it may be deleted.
func (r *reversion) keepCRD(ctx context.Context, e *Entry, owned *belonging) (string, error) {
	crd, err := r.get(ctx, e.object())
	if err != nil || crd == nil {
		return "", err
	}
	gvr, ok := storage(crd)
	if !ok {
		return "", fmt.Errorf("it serves no version in which its custom resources could be listed")
	}
	foreign, err := r.foreign(ctx, gvr, "", func(o metav1.Object) bool { return owned.has(gvr, o) })
	if err != nil || len(foreign) == 0 {
		return "", err
	}
	return fmt.Sprintf("it has custom resources that the change did not create: %s: delete those, then run the rollback again", some(foreign)), nil
}

// storage is where a CRD's custom resources can be listed; all served versions list all.
func storage(crd *unstructured.Unstructured) (schema.GroupVersionResource, bool) {
	group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
	plural, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "plural")
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	for _, v := range versions {
		m, _ := v.(map[string]any)
		if m["served"] == true {
			version, _ := m["name"].(string)
			return schema.GroupVersionResource{Group: group, Version: version, Resource: plural}, true
		}
	}
	return schema.GroupVersionResource{}, false
}

// foreign lists the names of the objects that are not the change's.
func (r *reversion) foreign(ctx context.Context, gvr schema.GroupVersionResource, namespace string, owned func(metav1.Object) bool) ([]string, error) {
	list, err := retry(ctx, r.options.RetryFor, func(int) (*metav1.PartialObjectMetadataList, error) {
		return r.clients.Metadata.Resource(gvr).Namespace(namespace).List(ctx, metav1.ListOptions{})
	})
	if apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []string
	for i := range list.Items {
		if o := &list.Items[i]; !owned(o) {
			out = append(out, strings.TrimPrefix(o.Namespace+"/"+o.Name, "/"))
		}
	}
	slices.Sort(out)
	return out, nil
}

func some(names []string) string {
	if len(names) > 5 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:5], ", "), len(names)-5)
	}
	return strings.Join(names, ", ")
}

// removeNamespaces deletes the namespaces that the change created and nobody else uses.
func (r *reversion) removeNamespaces(ctx context.Context) error {
	owned, err := r.belonging()
	if err != nil {
		return err
	}
	var empty []*Entry
	for _, e := range r.entries(isNamespace) {
		if e.Action != change.Create {
			continue
		}
		foreign, err := r.inside(ctx, e.Object.Name, owned)
		if err := r.judge(e.Object, "looking into it", err); err != nil {
			return err
		}
		if err != nil {
			continue
		}
		if len(foreign) > 0 {
			r.outcome.Leave(e.Object, fmt.Sprintf("it has objects that the change did not create: %s: move or delete those, then run the rollback again", some(foreign)))
			continue
		}
		empty = append(empty, e)
	}
	return r.remove(ctx, empty)
}

// inside lists what others have created in a namespace.
func (r *reversion) inside(ctx context.Context, namespace string, owned *belonging) ([]string, error) {
	lists, err := r.clients.Typed.Discovery().ServerPreferredNamespacedResources()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, resource := range list.APIResources {
			if !slices.Contains(resource.Verbs, "list") || derived(resource.Kind) {
				continue
			}
			gvr := gv.WithResource(resource.Name)
			foreign, err := r.foreign(ctx, gvr, namespace, func(o metav1.Object) bool {
				return owned.has(gvr, o) || standard(resource.Kind, o.GetName()) || len(o.GetOwnerReferences()) > 0
			})
			if err != nil {
				return nil, fmt.Errorf("listing %s: %w", resource.Name, err)
			}
			for _, name := range foreign {
				out = append(out, resource.Kind+" "+name)
			}
		}
	}
	return out, nil
}

// derived kinds only ever say something about other objects.
func derived(kind string) bool {
	switch kind {
	case "Event", "Endpoints", "EndpointSlice", "PodMetrics":
		return true
	}
	return false
}

// standard objects are in every namespace.
func standard(kind, name string) bool {
	return kind == "ServiceAccount" && name == "default" || kind == "ConfigMap" && name == "kube-root-ca.crt"
}

// removeClaims deletes the volume claims that created StatefulSets have made: nothing
// owns them, and they were not there before.
func (r *reversion) removeClaims(ctx context.Context) error {
	for _, e := range r.entries(isWorkload) {
		if e.Object.Kind != "StatefulSet" || e.Action != change.Create {
			continue
		}
		set, err := r.record.after(e)
		if err != nil {
			return err
		}
		if set == nil {
			continue
		}
		if err := r.judge(e.Object, "deleting its volume claims", r.removeClaimsOf(ctx, set)); err != nil {
			return err
		}
	}
	return nil
}

func (r *reversion) removeClaimsOf(ctx context.Context, set *unstructured.Unstructured) error {
	templates, _, _ := unstructured.NestedSlice(set.Object, "spec", "volumeClaimTemplates")
	for _, t := range templates {
		m, _ := t.(map[string]any)
		name, _, _ := unstructured.NestedString(m, "metadata", "name")
		pattern := regexp.MustCompile("^" + regexp.QuoteMeta(name+"-"+set.GetName()) + "-[0-9]+$")
		if err := r.removeClaimsLike(ctx, set, pattern); err != nil {
			return err
		}
	}
	return nil
}

func (r *reversion) removeClaimsLike(ctx context.Context, set *unstructured.Unstructured, pattern *regexp.Regexp) error {
	claims := r.clients.Typed.CoreV1().PersistentVolumeClaims(set.GetNamespace())
	list, err := claims.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	born := set.GetCreationTimestamp()
	for i := range list.Items {
		c := &list.Items[i]
		if !pattern.MatchString(c.Name) || c.CreationTimestamp.Before(&born) {
			continue
		}
		u := &unstructured.Unstructured{}
		u.SetGroupVersionKind(schema.GroupVersionKind{Version: "v1", Kind: "PersistentVolumeClaim"})
		u.SetNamespace(c.Namespace)
		u.SetName(c.Name)
		u.SetUID(c.UID)
		if err := r.delete(ctx, u, snapshot.KeyOf(u)); err != nil {
			return err
		}
	}
	return nil
}
