package helm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/kube"
	"helm.sh/helm/v4/pkg/release/common"
	release "helm.sh/helm/v4/pkg/release/v1"
	"helm.sh/helm/v4/pkg/storage/driver"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
)

// run has Helm install or upgrade. The context reaches Helm through its requests; given
// to its actions, they would return and go on in the background.
func (o *operation) run(ctx context.Context, runID string, timeout time.Duration) error {
	ctx = context.WithoutCancel(ctx)
	if o.install() {
		i := action.NewInstall(o.config)
		i.ReleaseName, i.Namespace, i.CreateNamespace = o.Name, o.Namespace, o.newNamespace
		i.Replace = o.current != nil
		i.WaitStrategy, i.Timeout = kube.StatusWatcherStrategy, timeout
		i.Labels = map[string]string{apply.RunLabel: runID}
		_, err := i.RunWithContext(ctx, o.Chart, o.Values)
		return err
	}
	u := action.NewUpgrade(o.config)
	u.Namespace, u.ResetValues = o.Namespace, true
	u.WaitStrategy, u.Timeout = kube.StatusWatcherStrategy, timeout
	u.Labels = map[string]string{apply.RunLabel: runID}
	_, err := u.RunWithContext(ctx, o.Name, o.Chart, o.Values)
	return err
}

// pendingError refuses a release that another Helm is working on, or has died over.
func (o *operation) pendingError() error {
	remedy := fmt.Sprintf("helm rollback %s -n %s", o.Name, o.Namespace)
	if o.current.Info.Status == common.StatusPendingInstall {
		remedy = fmt.Sprintf("helm uninstall %s -n %s", o.Name, o.Namespace)
	}
	return fmt.Errorf("revision %d of it is %s since %s, and not by stagegate: wait until that is done, or run %q if nothing is at work any more",
		o.current.Version, o.current.Info.Status, o.current.Info.LastDeployed.Format(time.RFC3339), remedy)
}

// recover clears a pending revision that an earlier run of stagegate has died over and
// whose record is lost; with its record, Revert does better.
func (b *Backend) recover(ctx context.Context, part change.Part, target change.Target) error {
	o, err := b.find(ctx, part, target)
	if err != nil || o.current == nil || !o.current.Info.Status.IsPending() {
		return err
	}
	if ours, err := o.ours(); err != nil || !ours {
		return errors.Join(err, o.pendingError())
	}
	if o.base == o.current {
		return b.uninstall(o.config, o.Name, kube.StatusWatcherStrategy)
	}
	r := action.NewRollback(o.config)
	r.Version, r.WaitStrategy, r.Timeout = o.base.Version, kube.StatusWatcherStrategy, b.options.ReadyTimeout
	r.Description = fmt.Sprintf("stagegate: recovered from run %s", o.current.Labels[apply.RunLabel])
	if err := r.Run(o.Name); err != nil {
		return fmt.Errorf("recovering from run %s, which died: %w", o.current.Labels[apply.RunLabel], err)
	}
	return nil
}

// ours is true where stagegate made the last revision. Helm hands a revision's labels on
// to the next, so one that is as before says nothing.
func (o *operation) ours() (bool, error) {
	run := o.current.Labels[apply.RunLabel]
	if run == "" || o.current.Version == 1 {
		return run != "", nil
	}
	previous, err := o.config.Releases.Get(o.Name, o.current.Version-1)
	if errors.Is(err, driver.ErrReleaseNotFound) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading revision %d: %w", o.current.Version-1, err)
	}
	v1, err := asRelease(previous)
	if err != nil {
		return false, err
	}
	return v1.Labels[apply.RunLabel] != run, nil
}

func (b *Backend) uninstall(config *action.Configuration, name string, wait kube.WaitStrategy) error {
	u := action.NewUninstall(config)
	u.IgnoreNotFound, u.WaitStrategy, u.Timeout = true, wait, b.options.DeleteTimeout
	u.DeletionPropagation = "foreground"
	_, err := u.Run(name)
	return err
}

// Revert takes the release back. One that the part installed is uninstalled, with its
// hooks, after its policies and custom resources are gone. One that it upgraded is put
// back object by object from what was recorded, and its history is as before: the new
// revision is gone and the previous one in force. Helm's own rollback would put back what
// the chart says and not what was there, and runs no order; rollback hooks are not run.
func (b *Backend) Revert(ctx context.Context, record *apply.Record, progress apply.Progress) (apply.Outcome, error) {
	r := record.Release
	if r == nil { // it ended before anything was touched
		return b.objects.Revert(ctx, record, progress)
	}
	config, err := b.configuration(ctx, r.Namespace)
	if err != nil {
		return apply.Outcome{}, err
	}
	current, err := last(config.Releases, r.Name)
	if err != nil {
		return apply.Outcome{}, err
	}
	if current != nil && superseded(current, record) {
		var outcome apply.Outcome
		outcome.Leave(recordKey(r.Namespace, r.Name, current.Version),
			fmt.Sprintf("someone else has made revision %d of the release since, so nothing of it was taken back: roll it back with helm", current.Version))
		return outcome, nil
	}
	return b.objects.RevertWith(ctx, record, progress, func(_ context.Context, outcome *apply.Outcome) error {
		return b.takeBack(config, r, current, outcome)
	})
}

// superseded is true where the last revision is neither this record's nor an earlier one.
func superseded(current *release.Release, record *apply.Record) bool {
	made := record.Release.Revision
	return current.Version > made || current.Version == made && current.Labels[apply.RunLabel] != record.RunID
}

func (b *Backend) takeBack(config *action.Configuration, r *apply.Release, current *release.Release, outcome *apply.Outcome) error {
	if current == nil || current.Version < r.Revision {
		return nil // it was never made, or is taken back already
	}
	if r.Previous > 0 {
		return b.restoreHistory(config, r)
	}
	// The objects are waited for by their records: Helm stops waiting now and then for one that
	// it has not yet heard of, and fails.
	if err := b.uninstall(config, r.Name, kube.HookOnlyStrategy); err != nil {
		outcome.Leave(recordKey(r.Namespace, r.Name, r.Revision), fmt.Sprintf("uninstalling the release: %v", err))
	}
	return nil
}

// restoreHistory puts the previous revision in force again and drops the new one.
func (b *Backend) restoreHistory(config *action.Configuration, r *apply.Release) error {
	previous, err := config.Releases.Get(r.Name, r.Previous)
	if err != nil {
		return fmt.Errorf("reading revision %d of release %s: %w", r.Previous, r.Name, err)
	}
	v1, err := asRelease(previous)
	if err != nil {
		return err
	}
	if status := common.Status(r.PreviousStatus); v1.Info.Status != status {
		v1.Info.Status = status
		if err := config.Releases.Update(v1); err != nil {
			return fmt.Errorf("putting revision %d of release %s in force again: %w", r.Previous, r.Name, err)
		}
	}
	if _, err := config.Releases.Delete(r.Name, r.Revision); err != nil {
		return fmt.Errorf("dropping revision %d of release %s: %w", r.Revision, r.Name, err)
	}
	return nil
}
