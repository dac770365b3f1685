// Package helm carries Helm charts to a cluster as real releases, with Helm's own
// library: hooks run, crds/ are installed, "helm list" and "helm history" show them.
//
// Fields belong to Helm's own field manager, "helm", so that a later "helm upgrade" by
// hand meets no conflict. A release that stagegate makes carries the label
// stagegate.dev/run on its release record; the objects are not marked.
package helm

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"helm.sh/helm/v4/pkg/kube"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	charts "github.com/stagegate/stagegate/internal/change/helm"
)

// Manager is Helm's field manager.
const Manager = "helm"

// Backend installs, upgrades and takes back Helm releases.
type Backend struct {
	clients *apply.Clients
	objects *apply.Objects
	options apply.Options
}

var _ apply.Backend = (*Backend)(nil)

// setManager guards the one name that Helm's library keeps for the whole process; without
// it the manager would be called after this program's file.
var setManager sync.Once

// New makes the back end for Helm charts.
func New(clients *apply.Clients, options apply.Options) *Backend {
	setManager.Do(func() { kube.ManagedFieldsManager = Manager })
	return &Backend{clients, apply.NewObjects(clients, options).As(Manager, false), options.WithDefaults()}
}

// Plan renders the release as the cluster has it and asks by dry runs what would change.
func (b *Backend) Plan(ctx context.Context, part change.Part, target change.Target, pending *apply.Pending) (change.Set, error) {
	o, err := b.prepare(ctx, part, target, pending)
	if err != nil {
		return change.Set{}, err
	}
	return o.preview.Set(part.Name()), nil
}

// Apply installs or upgrades the release and waits until it is ready.
func (b *Backend) Apply(ctx context.Context, part change.Part, target change.Target, record *apply.Record, progress apply.Progress) error {
	if err := b.recover(ctx, part, target); err != nil {
		return err
	}
	o, err := b.prepare(ctx, part, target, apply.NewPending())
	if err != nil {
		return err
	}
	if o.current != nil && o.current.Info.Status.IsPending() {
		return o.pendingError()
	}
	record.Release = o.recorded()
	if err := b.objects.Begin(ctx, o.preview, record); err != nil {
		return err
	}
	progress.Send(apply.Waiting, o.key(), o.verb())
	err = o.run(ctx, record.RunID, b.options.ReadyTimeout)
	if err != nil {
		// Why a release is not ready stands in its objects, not in Helm's error.
		var notReady *apply.NotReadyError
		if check := b.objects.CheckReady(ctx, record); errors.As(check, &notReady) {
			err = fmt.Errorf("%w: %w", notReady, err)
		}
	}
	// What was made is noted even where the apply failed, or was called off.
	return errors.Join(err, b.objects.Finish(context.WithoutCancel(ctx), record, o.clientSide()))
}

// Commit removes the inventory: the release is there to stay.
func (b *Backend) Commit(ctx context.Context, record *apply.Record) error {
	return b.objects.Commit(ctx, record)
}

// releaseOf asks the part for its chart and values.
func releaseOf(part change.Part, target change.Target) (*charts.Release, error) {
	p, ok := part.(interface {
		Release(target change.Target) (*charts.Release, error)
	})
	if !ok {
		return nil, fmt.Errorf("a part of kind %s is no Helm release", part.Kind())
	}
	return p.Release(target)
}
