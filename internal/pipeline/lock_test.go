package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	coordination "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/lock"
	"github.com/stagegate/stagegate/internal/progress"
	"github.com/stagegate/stagegate/internal/report"
)

// leases is an API server that keeps one Lease.
type leases struct{ kept coordination.Lease }

func (l *leases) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPut {
		if err := json.NewDecoder(r.Body).Decode(&l.kept); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(l.kept)
}

// touched counts what reaches the cluster.
type touched struct {
	apply.Backend
	reverts, commits int
}

func (b *touched) Revert(context.Context, *apply.Record, apply.Progress) (apply.Outcome, error) {
	b.reverts++
	return apply.Outcome{}, nil
}

func (b *touched) Commit(context.Context, *apply.Record) error {
	b.commits++
	return nil
}

// locked is a lock that a run holds, and where it is kept.
func locked(t *testing.T) (*lock.Lock, *leases) {
	t.Helper()
	server := &leases{kept: coordination.Lease{
		TypeMeta:   metav1.TypeMeta{APIVersion: "coordination.k8s.io/v1", Kind: "Lease"},
		ObjectMeta: metav1.ObjectMeta{Name: "stagegate-staging", Namespace: lock.Namespace, UID: "1"},
	}}
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	held, err := lock.Acquire(t.Context(), &cluster.Cluster{Name: "staging", REST: &rest.Config{
		Host: web.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"},
	}}, "staging", "run-1")
	if err != nil {
		t.Fatal(err)
	}
	return held, server
}

// A run that wakes up after an unlock neither takes back nor commits.
func TestNothingIsDoneWithoutTheLock(t *testing.T) {
	held, server := locked(t)
	backend := &touched{}
	s := &session{
		run: &run{Runner: &Runner{}}, env: &config.Environment{Name: "staging"}, lock: held,
		backends: map[change.Kind]apply.Backend{change.Manifest: backend},
		records:  []*apply.Record{{Kind: change.Manifest, Part: "one"}}, out: &report.Environment{Reverted: &report.Revert{}},
	}
	step := progress.New(io.Discard, progress.Quiet).Step("revert")
	if _, err := s.takeBack(t.Context(), step); err != nil || backend.reverts != 1 {
		t.Fatalf("with the lock: %v, %d reverts", err, backend.reverts)
	}
	server.kept.Spec.HolderIdentity = ptr.To("run-2")
	if _, err := s.takeBack(t.Context(), step); !errors.Is(err, lock.ErrLost) {
		t.Errorf("taking back: %v", err)
	}
	if err := s.commit(t.Context()); !errors.Is(err, lock.ErrLost) {
		t.Errorf("committing: %v", err)
	}
	if backend.reverts != 1 || backend.commits != 0 {
		t.Errorf("%d reverts and %d commits reached the cluster", backend.reverts, backend.commits)
	}
}
