package apply

import (
	"context"
	"fmt"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stagegate/stagegate/internal/change"
)

// establishTimeout bounds the wait for a CRD; API servers take well under a second.
const establishTimeout = time.Minute

// settle waits until namespaces can take objects and CRDs serve their kinds.
func (a *application) settle(ctx context.Context, group []*planned) error {
	if stageOf(group[0].key) != stageCRDs {
		return nil
	}
	for _, p := range group {
		if p.action == change.Keep {
			continue
		}
		if err := a.awaitEstablished(ctx, p); err != nil {
			return explain(p.object, err)
		}
	}
	a.clients.Refresh()
	return nil
}

func (a *application) awaitEstablished(ctx context.Context, p *planned) error {
	deadline := time.Now().Add(establishTimeout)
	for {
		live, err := a.get(ctx, p.object)
		if err != nil {
			return err
		}
		if live == nil {
			return fmt.Errorf("waiting until it is established: it was deleted by someone else")
		}
		s, err := established(live)
		if err != nil {
			return err
		}
		if s && a.served(live) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("waiting until it is established: not after %s", establishTimeout)
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

func established(crd *unstructured.Unstructured) (bool, error) {
	s, err := status.Compute(crd)
	if err != nil {
		return false, err
	}
	if s.Status == status.FailedStatus {
		return false, fmt.Errorf("waiting until it is established: %s: choose names that no other kind has", s.Message)
	}
	return s.Status == status.CurrentStatus, nil
}

// served is true once discovery lists the kind; Established comes a moment earlier.
func (a *application) served(crd *unstructured.Unstructured) bool {
	group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
	plural, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "plural")
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	for _, v := range versions {
		version, _ := v.(map[string]any)
		if version["served"] != true {
			continue
		}
		list, err := a.clients.Typed.Discovery().ServerResourcesForGroupVersion(fmt.Sprintf("%s/%s", group, version["name"]))
		if err != nil {
			return false
		}
		found := false
		for _, r := range list.APIResources {
			found = found || r.Name == plural
		}
		if !found {
			return false
		}
	}
	return true
}
