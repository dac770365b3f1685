package helm

import (
	"context"
	"errors"
	"fmt"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/release/common"
	release "helm.sh/helm/v4/pkg/release/v1"
	"helm.sh/helm/v4/pkg/storage"
	"helm.sh/helm/v4/pkg/storage/driver"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	charts "github.com/stagegate/stagegate/internal/change/helm"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// operation is one install or upgrade that is about to happen.
type operation struct {
	*charts.Release
	draft   *charts.Release // another copy, since rendering changes a chart
	config  *action.Configuration
	current *release.Release // the last revision; nil where there is none
	base    *release.Release // the revision in force, which an upgrade starts from
	// newNamespace is true where the release namespace is not there and will be created.
	newNamespace bool
	preview      *apply.Preview
}

// prepare finds out what there is, renders what there will be, and compares.
func (b *Backend) prepare(ctx context.Context, part change.Part, target change.Target, pending *apply.Pending) (*operation, error) {
	o, err := b.find(ctx, part, target)
	if err != nil {
		return nil, err
	}
	if o.newNamespace, err = b.absent(ctx, o.Namespace, pending); err != nil {
		return nil, err
	}
	r, err := b.render(ctx, o)
	if err != nil {
		return nil, err
	}
	if o.preview, err = b.objects.As(Manager, o.clientSide()).Preview(ctx, r.objects, pending); err != nil {
		return nil, err
	}
	if err := o.owned(); err != nil {
		return nil, err
	}
	if err := b.objects.AddHooks(ctx, o.preview, r.hooks, pending); err != nil {
		return nil, err
	}
	return o, b.objects.AddDeletions(ctx, o.preview, r.vanishing)
}

// find reads the release's history.
func (b *Backend) find(ctx context.Context, part change.Part, target change.Target) (*operation, error) {
	rel, err := releaseOf(part, target)
	if err != nil {
		return nil, err
	}
	draft, err := releaseOf(part, target)
	if err != nil {
		return nil, err
	}
	o := &operation{Release: rel, draft: draft}
	if o.config, err = b.configuration(ctx, rel.Namespace); err != nil {
		return nil, err
	}
	if o.current, err = last(o.config.Releases, rel.Name); err != nil || o.current == nil {
		return o, err
	}
	if o.current.Info.Status == common.StatusUninstalled {
		return o, nil
	}
	o.base = o.current
	deployed, err := o.config.Releases.Deployed(rel.Name)
	if errors.Is(err, driver.ErrNoDeployedReleases) || errors.Is(err, driver.ErrReleaseNotFound) {
		return o, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the history of the release: %w", err)
	}
	o.base, err = asRelease(deployed)
	return o, err
}

// last is the newest revision of a release, nil where it has none.
func last(s *storage.Storage, name string) (*release.Release, error) {
	r, err := s.Last(name)
	if errors.Is(err, driver.ErrReleaseNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the history of the release: %w", err)
	}
	return asRelease(r)
}

func asRelease(r any) (*release.Release, error) {
	v1, ok := r.(*release.Release)
	if !ok {
		return nil, fmt.Errorf("reading the history of the release: it has the unknown form %T: upgrade stagegate", r)
	}
	return v1, nil
}

func (b *Backend) absent(ctx context.Context, namespace string, pending *apply.Pending) (bool, error) {
	_, err := b.clients.Typed.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return !pending.HasNamespace(namespace), nil
	}
	if err != nil {
		return false, fmt.Errorf("reading namespace %s: %w", namespace, err)
	}
	return false, nil
}

// install is true where there is nothing to upgrade.
func (o *operation) install() bool { return o.base == nil }

// clientSide is true for a release that Helm 3 made, or that was told to: Helm goes on
// patching it as it did, whoever owns the fields.
func (o *operation) clientSide() bool {
	return !o.install() && o.current.ApplyMethod != string(release.ApplyMethodServerSideApply)
}

func (o *operation) revision() int {
	if o.current == nil {
		return 1
	}
	return o.current.Version + 1
}

func (o *operation) verb() string {
	if o.install() {
		return "installing"
	}
	return fmt.Sprintf("upgrading from revision %d", o.base.Version)
}

// key is the release's record in the cluster.
func (o *operation) key() snapshot.Key { return recordKey(o.Namespace, o.Name, o.revision()) }

func recordKey(namespace, name string, revision int) snapshot.Key {
	return snapshot.Key{Kind: "Secret", Namespace: namespace, Name: fmt.Sprintf("sh.helm.release.v1.%s.v%d", name, revision)}
}

func (o *operation) recorded() *apply.Release {
	r := &apply.Release{Name: o.Name, Namespace: o.Namespace, Revision: o.revision()}
	if o.base != nil {
		r.Previous, r.PreviousStatus = o.base.Version, string(o.base.Info.Status)
	}
	return r
}

// owned refuses objects that are there and are not this release's, as Helm will.
func (o *operation) owned() error {
	var errs []error
	for key, live := range o.preview.Live() {
		if key.Kind == "CustomResourceDefinition" || key.Kind == "Namespace" && key.Name == o.Namespace {
			continue
		}
		a := live.GetAnnotations()
		if a[nameAnnotation] != o.Name || a[namespaceAnnotation] != o.Namespace {
			errs = append(errs, fmt.Errorf("%s is there already and does not belong to the release: delete it, rename it in the chart, or hand it over by setting its annotations %s and %s",
				key, nameAnnotation, namespaceAnnotation))
		}
	}
	return errors.Join(errs...)
}
