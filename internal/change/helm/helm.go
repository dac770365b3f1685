// Package helm loads and renders Helm charts with Helm's own library: a directory, an
// archive, an OCI reference, or a chart of a repository.
//
// What is loaded is kept in memory and is all that rendering uses: no network, no
// credentials, no cluster. The template function lookup finds nothing, as in "helm
// template", and the target is told so; getHostByName is an error.
package helm

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/rendered"
)

// Loader loads charts.
type Loader struct{}

var _ change.Loader = Loader{}

// Part is one Helm release.
type Part struct {
	release   string
	namespace string
	files     []*archive.BufferedFile
	user      map[string]any // merged values files and --set
	digest    change.Digest
}

var (
	_ change.Renderer = (*Part)(nil)
	_ change.Released = (*Part)(nil)
)

// Release is what is installed: a chart and its values, of one's own to change.
type Release struct {
	Name      string
	Namespace string
	Chart     *chart.Chart
	Values    map[string]any
}

// Load fetches the chart where it is remote, checks it, and merges the user's values.
func (l Loader) Load(ctx context.Context, source change.Source) (change.Part, error) {
	files, err := filesOf(ctx, source)
	if err != nil {
		return nil, err
	}
	p := &Part{files: files, namespace: cmp.Or(source.Namespace, rendered.DefaultNamespace)}
	c, err := p.chart()
	if err != nil {
		return nil, fmt.Errorf("loading chart %s: %w", source.Path, err)
	}
	if err := check(c, source.Path); err != nil {
		return nil, err
	}
	p.release = cmp.Or(source.Release, c.Name())
	if err := chartutil.ValidateReleaseName(p.release); err != nil {
		return nil, fmt.Errorf("release name %q: %w: name another with --release", p.release, err)
	}
	if p.user, err = userValues(source); err != nil {
		return nil, err
	}
	p.digest = digestOf(c, p)
	return p, nil
}

// chart parses the files anew, since Helm changes the charts it works with.
func (p *Part) chart() (*chart.Chart, error) {
	return loader.LoadFiles(p.files)
}

// check refuses charts that cannot be installed as they are.
func check(c *chart.Chart, path string) error {
	if c.Metadata.Type == "library" {
		return fmt.Errorf("chart %s is a library chart and installs nothing: name a chart that uses it", path)
	}
	for _, d := range c.Metadata.Dependencies {
		present := slices.ContainsFunc(c.Dependencies(), func(sub *chart.Chart) bool { return sub.Name() == d.Name })
		if !present {
			return fmt.Errorf("chart %s: dependency %s is missing in charts/: run `helm dependency build %s` first", path, d.Name, path)
		}
	}
	return checkSchemas(c)
}

// Kind is change.Helm.
func (p *Part) Kind() change.Kind { return change.Helm }

// Name is the release name.
func (p *Part) Name() string { return p.release }

// Namespace is the release namespace.
func (p *Part) Namespace() string { return p.namespace }

// Digest covers the content of the chart and its dependencies, the user's merged values,
// the release name and the namespace. A chart has the same digest packed or unpacked.
func (p *Part) Digest() change.Digest { return p.digest }

// Release returns the chart and the values for a target. It is what Render renders, and
// what an applier has to install.
func (p *Part) Release(target change.Target) (*Release, error) {
	c, err := p.chart()
	if err != nil {
		return nil, fmt.Errorf("loading the chart of release %s: %w", p.release, err)
	}
	values, err := p.values(c, target)
	if err != nil {
		return nil, fmt.Errorf("values of release %s: %w", p.release, err)
	}
	return &Release{Name: p.release, Namespace: p.namespace, Chart: c, Values: values}, nil
}
