package helm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/scope"
	"github.com/stagegate/stagegate/internal/snapshot"
	"github.com/stagegate/stagegate/internal/yamldoc"
)

// Render renders the release as a first install into the target: the definitions in
// crds/, the templates in Helm's order of kinds, then the hooks of install and upgrade,
// which keep their annotation helm.sh/hook. NOTES.txt and the hooks of tests, deletion and
// rollback are left out. The Source of an object is its template, with the line where it
// is not rendered (crds/).
func (p *Part) Render(ctx context.Context, target change.Target) ([]snapshot.Object, error) {
	objects, err := p.render(ctx, target)
	if err != nil {
		return nil, fmt.Errorf("rendering release %s: %w", p.release, err)
	}
	return objects, nil
}

func (p *Part) render(ctx context.Context, target change.Target) ([]snapshot.Object, error) {
	r, err := p.Release(target)
	if err != nil {
		return nil, err
	}
	if err := chartutil.ProcessDependencies(r.Chart, r.Values); err != nil {
		return nil, fmt.Errorf("processing the dependencies: %w", err)
	}
	definitions, err := definitionsOf(r.Chart)
	if err != nil {
		return nil, err
	}
	caps, err := capabilities(target, definitions)
	if err != nil {
		return nil, err
	}
	if err := checkKubeVersion(r.Chart, caps); err != nil {
		return nil, err
	}
	files, err := execute(ctx, r, caps, target.Unanswered)
	if err != nil {
		return nil, err
	}
	hooks, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, err
	}
	rendered, err := decode(manifests)
	if err != nil {
		return nil, err
	}
	objects := slices.Concat(definitions, rendered)
	scopes := scope.With(target.Known, objects)
	scopes.Place(objects, p.namespace)
	plain, err := snapshot.New(objects...)
	if err != nil {
		return nil, err
	}
	return appendHooks(objects, plain, hooks, scopes, p.namespace)
}

func definitionsOf(c *chart.Chart) ([]snapshot.Object, error) {
	var out []snapshot.Object
	for _, crd := range c.CRDObjects() {
		objects, err := yamldoc.Decode(crd.Filename, crd.File.Data)
		if err != nil {
			return nil, err
		}
		out = append(out, objects...)
	}
	return out, nil
}

func checkKubeVersion(c *chart.Chart, caps *common.Capabilities) error {
	want := c.Metadata.KubeVersion
	if want == "" || chartutil.IsCompatibleRange(want, caps.KubeVersion.String()) {
		return nil
	}
	return fmt.Errorf("chart %s requires Kubernetes %s, and the target is %s: choose another version of the chart, or upgrade the cluster first",
		c.Name(), want, caps.KubeVersion.Version)
}

// execute runs the templates without a cluster and without name resolution.
func execute(ctx context.Context, r *Release, caps *common.Capabilities, unanswered func(string)) (map[string]string, error) {
	options := common.ReleaseOptions{Name: r.Name, Namespace: r.Namespace, Revision: 1, IsInstall: true}
	values, err := util.ToRenderValues(r.Chart, r.Values, options, caps)
	if err != nil {
		return nil, errors.New(strings.TrimSpace(err.Error())) // Helm's ends with a line break
	}
	e := engine.Engine{CustomTemplateFuncs: template.FuncMap{"getHostByName": noNames, "lookup": findNothing(unanswered)}}
	files, err := e.RenderWithContext(ctx, r.Chart, values)
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

func noNames(host string) (string, error) {
	return "", fmt.Errorf("getHostByName %q: names are not resolved when a chart is rendered: pass the address as a value", host)
}

// findNothing is a lookup without a cluster.
func findNothing(tell func(string)) func(apiVersion, kind, namespace, name string) map[string]any {
	return func(apiVersion, kind, namespace, name string) map[string]any {
		if tell != nil {
			tell("lookup " + strings.Join([]string{apiVersion, kind, strconv.Quote(namespace), strconv.Quote(name)}, " "))
		}
		return map[string]any{}
	}
}

func decode(manifests []releaseutil.Manifest) ([]snapshot.Object, error) {
	var out []snapshot.Object
	for _, m := range manifests {
		objects, err := decodeOne(m.Name, m.Content)
		if err != nil {
			return nil, err
		}
		out = append(out, objects...)
	}
	return out, nil
}

// decodeOne leaves out the line, since it is one of the output and not of the template.
func decodeOne(name, content string) ([]snapshot.Object, error) {
	objects, err := yamldoc.Decode(name, []byte(content))
	if err != nil {
		return nil, fmt.Errorf("in the output of a template (the line is that of the output): %w", err)
	}
	for i := range objects {
		objects[i].Source = name
	}
	return objects, nil
}

// appendHooks adds the hooks that run when the release is installed or upgraded. One that
// is among the plain objects as well, which Helm permits, is not added a second time.
func appendHooks(objects []snapshot.Object, plain *snapshot.Snapshot, hooks []*release.Hook, scopes scope.Scopes, namespace string) ([]snapshot.Object, error) {
	seen := plain
	for _, h := range hooks {
		if !slices.ContainsFunc(h.Events, applies) {
			continue
		}
		decoded, err := decodeOne(h.Path, h.Manifest)
		if err != nil {
			return nil, err
		}
		scopes.Place(decoded, namespace)
		for _, o := range decoded {
			if _, twice := seen.Get(snapshot.KeyOf(o.Unstructured)); !twice {
				objects = append(objects, o)
				seen = seen.Overlay(o)
			}
		}
	}
	return objects, nil
}

func applies(e release.HookEvent) bool {
	switch e {
	case release.HookPreInstall, release.HookPostInstall, release.HookPreUpgrade, release.HookPostUpgrade:
		return true
	}
	return false
}
