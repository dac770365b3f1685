package pipeline

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/snapshot/live"
)

// baseMarker is the ConfigMap in kube-system that says which base a cluster was given.
const baseMarker = "stagegate-base"

// EnsureCluster brings up the environment's cluster. One that stagegate made gets the
// environment's base once: what runs there before any change.
func (r *Runner) EnsureCluster(ctx context.Context, env *config.Environment, keep bool, progress cluster.Progress) (*cluster.Cluster, error) {
	provider, err := r.Provider(env)
	if err != nil {
		return nil, err
	}
	up, err := provider.Ensure(ctx, env.ClusterName, keep, progress)
	if err != nil {
		return nil, err
	}
	if _, ours := provider.(cluster.Destroyer); ours && len(env.Base) > 0 {
		if err := r.ensureBase(ctx, env, up, progress); err != nil {
			return nil, errors.Join(err, up.Release(context.WithoutCancel(ctx)))
		}
	}
	return up, nil
}

// FindCluster is the environment's cluster where it exists. None is made.
func (r *Runner) FindCluster(ctx context.Context, env *config.Environment, progress cluster.Progress) (*cluster.Cluster, error) {
	provider, err := r.Provider(env)
	if err != nil {
		return nil, err
	}
	return cluster.Find(ctx, provider, env.ClusterName, progress)
}

// baseDigest is the key of the marker's data that identifies the base.
const baseDigest = "digest"

func (r *Runner) ensureBase(ctx context.Context, env *config.Environment, up *cluster.Cluster, progress cluster.Progress) error {
	client, err := kubernetes.NewForConfig(up.REST)
	if err != nil {
		return err
	}
	bases, digest, err := r.loadBase(ctx, env)
	if err != nil {
		return err
	}
	markers := client.CoreV1().ConfigMaps(metav1.NamespaceSystem)
	has, err := markers.Get(ctx, baseMarker, metav1.GetOptions{})
	switch {
	case err == nil && has.Data[baseDigest] != digest:
		return otherBase(env, up, progress)
	case err == nil || !apierrors.IsNotFound(err):
		return err
	}
	for _, base := range bases {
		progress("applying the base %s", base.Name)
		if err := r.applyBase(ctx, env, up, base); err != nil {
			return fmt.Errorf("applying the base %s: %w", base.Name, err)
		}
	}
	marker := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: baseMarker}, Data: map[string]string{baseDigest: digest}}
	_, err = markers.Create(ctx, marker, metav1.CreateOptions{})
	return err
}

// loadBase reads the changes of the base, and what identifies them all.
func (r *Runner) loadBase(ctx context.Context, env *config.Environment) ([]*change.Change, string, error) {
	var bases []*change.Change
	sum := change.NewHash("base")
	for _, path := range env.Base {
		base, err := change.Load(ctx, change.Source{Path: env.Path(path)}, r.Loaders)
		if err != nil {
			return nil, "", fmt.Errorf("reading the base %s: %w", path, err)
		}
		bases = append(bases, base)
		sum.Add("part", []byte(base.Digest()))
	}
	return bases, string(sum.Sum()), nil
}

// otherBase is for a cluster whose base is not that of the environment any more. A base is
// not applied over another, since what the new one leaves out would stay.
func otherBase(env *config.Environment, up *cluster.Cluster, progress cluster.Progress) error {
	const changed = "the base has changed since the cluster was made, and is not applied again"
	if !up.Disposable {
		progress("%s: bring it up to date by a change", changed)
		return nil
	}
	return fmt.Errorf("%s: stagegate env down --cluster-name %s has it made anew", changed, env.ClusterName)
}

func (r *Runner) applyBase(ctx context.Context, env *config.Environment, up *cluster.Cluster, base *change.Change) (err error) {
	clients, err := apply.NewClients(up.REST)
	if err != nil {
		return err
	}
	target, err := Target(ctx, env, up)
	if err != nil {
		return err
	}
	backends := r.Backends(env, clients, up)
	defer func() { err = errors.Join(err, closeBackends(context.WithoutCancel(ctx), backends)) }()
	key, err := recordKey(r.Home)
	if err != nil {
		return err
	}
	for i, part := range base.Parts {
		backend, ok := backends[part.Kind()]
		if !ok {
			return fmt.Errorf("a base cannot have a part of kind %s", part.Kind())
		}
		// A base that fails is not taken back: the cluster is not used, and is made anew.
		record := apply.NewRecord("base", i, part, key, func(*apply.Record) error { return nil })
		if err := backend.Apply(ctx, part, target, record, nil); err != nil {
			return err
		}
		if err := backend.Commit(ctx, record); err != nil {
			return err
		}
	}
	return nil
}

// Target is what a change is rendered for in an environment whose cluster is up.
func Target(ctx context.Context, env *config.Environment, up *cluster.Cluster) (change.Target, error) {
	kubeVersion, apis, err := live.Capabilities(ctx, up.REST)
	if err != nil {
		return change.Target{}, fmt.Errorf("asking %s what it can do: %w", env.Name, err)
	}
	return change.Target{
		ClusterName: env.ClusterName, Variables: env.Variables, KubeVersion: kubeVersion, APIVersions: apis,
	}, nil
}
