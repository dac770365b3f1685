package helm

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	"helm.sh/helm/v4/pkg/kube"
	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stagegate/stagegate/internal/snapshot"
	"github.com/stagegate/stagegate/internal/yamldoc"
)

const (
	nameAnnotation      = "meta.helm.sh/release-name"
	namespaceAnnotation = "meta.helm.sh/release-namespace"
)

// rendered is what a release consists of in this cluster.
type rendered struct {
	objects   []snapshot.Object // definitions of crds/ on an install, and the manifest
	hooks     []snapshot.Object // of an install, or of an upgrade
	vanishing []snapshot.Object // in the manifest of the revision in force, and no more
}

// render executes the templates as Helm will: with the cluster's capabilities, and with
// lookup reading from it. Helm's own dry run refuses custom resources whose CRDs it would
// only install.
func (b *Backend) render(ctx context.Context, o *operation) (*rendered, error) {
	out := &rendered{}
	if err := chartutil.ProcessDependencies(o.draft.Chart, o.draft.Values); err != nil {
		return nil, fmt.Errorf("processing the dependencies: %w", err)
	}
	if err := out.addDefinitions(o); err != nil {
		return nil, err
	}
	files, err := b.execute(ctx, o, out.objects)
	if err != nil {
		return nil, err
	}
	hooks, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, err
	}
	for _, m := range manifests {
		if err := out.addManifest(o, m); err != nil {
			return nil, err
		}
	}
	return out, out.addRest(o, hooks)
}

func (r *rendered) addDefinitions(o *operation) error {
	if o.newNamespace {
		r.objects = append(r.objects, namespaceObject(o.Namespace))
	}
	if !o.install() {
		return nil // Helm never upgrades what is in crds/
	}
	for _, crd := range o.draft.Chart.CRDObjects() {
		objects, err := yamldoc.Decode(crd.Filename, crd.File.Data)
		if err != nil {
			return err
		}
		r.objects = append(r.objects, objects...)
	}
	return nil
}

// namespaceObject is the namespace as Helm creates it.
func namespaceObject(name string) snapshot.Object {
	return snapshot.Object{Source: "release namespace", Unstructured: &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace",
		"metadata": map[string]any{"name": name, "labels": map[string]any{"name": name}},
	}}}
}

func (b *Backend) execute(ctx context.Context, o *operation, definitions []snapshot.Object) (map[string]string, error) {
	caps, err := b.capabilities(definitions)
	if err != nil {
		return nil, err
	}
	options := common.ReleaseOptions{
		Name: o.Name, Namespace: o.Namespace, Revision: o.revision(), IsInstall: o.install(), IsUpgrade: !o.install(),
	}
	values, err := util.ToRenderValues(o.draft.Chart, o.draft.Values, options, caps)
	if err != nil {
		return nil, err
	}
	e := engine.New(b.clients.Config)
	files, err := e.RenderWithContext(ctx, o.draft.Chart, values)
	if err != nil {
		return nil, err
	}
	for name := range files {
		if strings.HasSuffix(name, "NOTES.txt") {
			delete(files, name)
		}
	}
	return files, nil
}

// capabilities are the cluster's, with the kinds that crds/ will add.
func (b *Backend) capabilities(definitions []snapshot.Object) (*common.Capabilities, error) {
	version, err := b.clients.Typed.Discovery().ServerVersion()
	if err != nil {
		return nil, fmt.Errorf("reading the cluster's version: %w", err)
	}
	apis, err := action.GetVersionSet(b.clients.Typed.Discovery())
	if err != nil {
		return nil, err
	}
	for _, d := range definitions {
		group, _, _ := unstructured.NestedString(d.Object, "spec", "group")
		kind, _, _ := unstructured.NestedString(d.Object, "spec", "names", "kind")
		versions, _, _ := unstructured.NestedSlice(d.Object, "spec", "versions")
		for _, v := range versions {
			m, _ := v.(map[string]any)
			apis = append(apis, fmt.Sprintf("%s/%s", group, m["name"]), fmt.Sprintf("%s/%s/%s", group, m["name"], kind))
		}
	}
	return &common.Capabilities{
		KubeVersion: common.KubeVersion{Version: version.GitVersion, Major: version.Major, Minor: version.Minor},
		APIVersions: apis,
		HelmVersion: common.DefaultCapabilities.HelmVersion,
	}, nil
}

func (r *rendered) addManifest(o *operation, m releaseutil.Manifest) error {
	objects, err := decode(m.Name, m.Content, o.Namespace)
	if err != nil {
		return err
	}
	for _, object := range objects {
		mark(object.Unstructured, o.Name, o.Namespace)
		r.objects = append(r.objects, object)
	}
	return nil
}

// addRest adds the hooks that will run and what vanishes.
func (r *rendered) addRest(o *operation, hooks []*release.Hook) error {
	events := []release.HookEvent{release.HookPreInstall, release.HookPostInstall}
	if !o.install() {
		events = []release.HookEvent{release.HookPreUpgrade, release.HookPostUpgrade}
	}
	for _, h := range hooks {
		if !slices.ContainsFunc(h.Events, func(e release.HookEvent) bool { return slices.Contains(events, e) }) {
			continue
		}
		objects, err := decode(h.Path, h.Manifest, o.Namespace)
		if err != nil {
			return err
		}
		r.hooks = append(r.hooks, objects...)
	}
	if o.install() {
		return nil
	}
	before, err := decode(fmt.Sprintf("revision %d", o.base.Version), o.base.Manifest, o.Namespace)
	for _, object := range before {
		if object.GetAnnotations()[kube.ResourcePolicyAnno] != kube.KeepPolicy {
			r.vanishing = append(r.vanishing, object)
		}
	}
	return err
}

// decode reads objects; a namespace that is not said is the release's.
func decode(name, content, namespace string) ([]snapshot.Object, error) {
	objects, err := yamldoc.Decode(name, []byte(content))
	if err != nil {
		return nil, fmt.Errorf("in the output of a template (the line is that of the output): %w", err)
	}
	for _, o := range objects {
		if o.GetNamespace() == "" {
			o.SetNamespace(namespace) // dropped again where the kind has none
		}
	}
	return objects, nil
}

// mark sets what Helm sets on every object of a release.
func mark(o *unstructured.Unstructured, name, namespace string) {
	labels := o.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels["app.kubernetes.io/managed-by"] = "Helm"
	o.SetLabels(labels)
	annotations := o.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[nameAnnotation], annotations[namespaceAnnotation] = name, namespace
	o.SetAnnotations(annotations)
}
