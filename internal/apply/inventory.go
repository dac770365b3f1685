package apply

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The inventory is a ConfigMap in the cluster that names all that an unfinished part may
// have touched. The objects themselves are not marked: what is tested stays, to the byte,
// what will be promoted.
const (
	inventoryNamespace = "kube-system"
	// RunLabel holds the run id, on inventories and on Helm's release records.
	RunLabel = "stagegate.dev/run"
)

func inventoryName(r *Record) string {
	return strings.ToLower(fmt.Sprintf("stagegate-%s-%d", r.RunID, r.Index))
}

func (b *Objects) writeInventory(ctx context.Context, r *Record) error {
	lines := make([]string, 0, len(r.Entries))
	for _, e := range r.Entries {
		lines = append(lines, string(e.Action)+" "+e.Object.String())
	}
	slices.Sort(lines)
	inventory := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: inventoryNamespace, Name: inventoryName(r),
			Labels: map[string]string{"app.kubernetes.io/managed-by": FieldManager, RunLabel: r.RunID},
		},
		Data: map[string]string{"part": r.Part, "objects": strings.Join(lines, "\n")},
	}
	_, err := retry(ctx, b.options.RetryFor, func(int) (any, error) {
		maps := b.clients.Typed.CoreV1().ConfigMaps(inventoryNamespace)
		made, err := maps.Create(ctx, inventory, metav1.CreateOptions{FieldManager: FieldManager})
		if apierrors.IsAlreadyExists(err) {
			made, err = maps.Update(ctx, inventory, metav1.UpdateOptions{FieldManager: FieldManager})
		}
		return made, err
	})
	if err != nil {
		return fmt.Errorf("writing the inventory %s/%s: %w", inventoryNamespace, inventory.Name, err)
	}
	return nil
}

func (b *Objects) removeInventory(ctx context.Context, r *Record) error {
	_, err := retry(ctx, b.options.RetryFor, func(int) (any, error) {
		err := b.clients.Typed.CoreV1().ConfigMaps(inventoryNamespace).Delete(ctx, inventoryName(r), metav1.DeleteOptions{})
		if apierrors.IsNotFound(err) {
			err = nil
		}
		return nil, err
	})
	if err != nil {
		return fmt.Errorf("removing the inventory %s/%s: %w", inventoryNamespace, inventoryName(r), err)
	}
	return nil
}
