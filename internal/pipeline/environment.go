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

func (r *Runner) ensureBase(ctx context.Context, env *config.Environment, up *cluster.Cluster, progress cluster.Progress) error {
	client, err := kubernetes.NewForConfig(up.REST)
	if err != nil {
		return err
	}
	markers := client.CoreV1().ConfigMaps(metav1.NamespaceSystem)
	_, err = markers.Get(ctx, baseMarker, metav1.GetOptions{})
	if err == nil || !apierrors.IsNotFound(err) {
		return err
	}
	for _, path := range env.Base {
		path = env.Path(path)
		progress("applying the base %s", path)
		if err := r.applyBase(ctx, env, up, path); err != nil {
			return fmt.Errorf("applying the base %s: %w", path, err)
		}
	}
	marker := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: baseMarker}}
	_, err = markers.Create(ctx, marker, metav1.CreateOptions{})
	return err
}

func (r *Runner) applyBase(ctx context.Context, env *config.Environment, up *cluster.Cluster, path string) (err error) {
	base, err := change.Load(ctx, change.Source{Path: path}, r.Loaders)
	if err != nil {
		return err
	}
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
