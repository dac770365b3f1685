package lock_test

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	coordination "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	client "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/cluster/embedded/embeddedtest"
	"github.com/stagegate/stagegate/internal/lock"
)

func TestMain(m *testing.M) { os.Exit(embeddedtest.Run(m)) }

// at is the shared cluster, reached in some way.
func at(config *rest.Config) *cluster.Cluster { return &cluster.Cluster{Name: "shared", REST: config} }

func acquire(t *testing.T, config *rest.Config, environment, run string) *lock.Lock {
	t.Helper()
	l, err := lock.Acquire(t.Context(), at(config), environment, run)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func wantHeld(t *testing.T, l *lock.Lock) {
	t.Helper()
	if err := l.Held(t.Context()); err != nil {
		t.Errorf("held: %v", err)
	}
}

func wantLost(t *testing.T, l *lock.Lock, why string) {
	t.Helper()
	if err := l.Held(t.Context()); !errors.Is(err, lock.ErrLost) || !strings.Contains(err.Error(), why) {
		t.Errorf("held: %v, want a lost lock: %s", err, why)
	}
}

func TestOneRunAtATime(t *testing.T) {
	config := embeddedtest.Shared(t).REST
	first := acquire(t, config, "one", "run-1")
	wantHeld(t, first)
	_, err := lock.Acquire(t.Context(), at(config), "one", "run-2")
	var held *lock.Held
	if !errors.As(err, &held) || held.Holder != "run-1" || held.Since.IsZero() {
		t.Fatalf("second run: %v", err)
	}
	want := "locking environment one: environment one is locked by run run-1 since " + held.Since.UTC().Format(time.RFC3339) +
		": wait for it to end; if it is dead, stagegate resume run-1 goes on with it, stagegate rollback run-1 --cluster-name shared takes back what it did, and stagegate unlock --run-id run-1 --cluster-name shared gives the lock up alone"
	if err.Error() != want {
		t.Errorf("error\n got %v\nwant %s", err, want)
	}
	wantHeld(t, acquire(t, config, "another", "run-2"))
	if h, err := lock.Holder(t.Context(), at(config), "one"); err != nil || h == nil || h.Holder != "run-1" {
		t.Errorf("holder = %v, %v", h, err)
	}
	if err := first.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h, err := lock.Holder(t.Context(), at(config), "one"); err != nil || h != nil {
		t.Errorf("holder after the release = %v, %v", h, err)
	}
	second := acquire(t, config, "one", "run-2")
	if second.Epoch() <= first.Epoch() {
		t.Errorf("epochs %d and %d: want them to grow", first.Epoch(), second.Epoch())
	}
	wantLost(t, first, "locked by run run-2")
	if err := first.Release(t.Context()); err != nil {
		t.Errorf("releasing what is lost: %v", err)
	}
	wantHeld(t, second)
}

func TestManyAtOnce(t *testing.T) {
	config := embeddedtest.Shared(t).REST
	var wg sync.WaitGroup
	var winners atomic.Int32
	for _, run := range []string{"a", "b", "c", "d", "e", "f"} {
		wg.Go(func() {
			_, err := lock.Acquire(t.Context(), at(config), "many", run)
			var held *lock.Held
			switch {
			case err == nil:
				winners.Add(1)
			case !errors.As(err, &held):
				t.Errorf("run %s: %v, want the holder named", run, err)
			}
		})
	}
	wg.Wait()
	if winners.Load() != 1 {
		t.Errorf("%d runs got the lock", winners.Load())
	}
}

// A lock does not expire, however old: the run may have left a change half made.
func TestNeverStolen(t *testing.T) {
	config := embeddedtest.Shared(t).REST
	acquire(t, config, "old", "run-1")
	edit(t, config, "old", func(l *coordination.Lease) {
		long := metav1.NewMicroTime(time.Now().Add(-1000 * time.Hour))
		l.Spec.AcquireTime, l.Spec.RenewTime, l.Spec.LeaseDurationSeconds = &long, &long, ptr.To[int32](1)
	})
	var held *lock.Held
	if _, err := lock.Acquire(t.Context(), at(config), "old", "run-2"); !errors.As(err, &held) {
		t.Errorf("an old lock was stolen: %v", err)
	}
}

func edit(t *testing.T, config *rest.Config, environment string, change func(*coordination.Lease)) {
	t.Helper()
	leases := leasesOf(t, config)
	lease, err := leases.Get(t.Context(), "stagegate-"+environment, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	change(lease)
	if _, err := leases.Update(t.Context(), lease, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func leasesOf(t *testing.T, config *rest.Config) client.LeaseInterface {
	t.Helper()
	c, err := client.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return c.Leases(lock.Namespace)
}

func TestBreak(t *testing.T) {
	config := embeddedtest.Shared(t).REST
	if err := lock.Break(t.Context(), at(config), "broken", "run-1"); !errors.Is(err, lock.ErrNotHeld) {
		t.Errorf("breaking what was never locked: %v", err)
	}
	paused := acquire(t, config, "broken", "run-1")
	var held *lock.Held
	if err := lock.Break(t.Context(), at(config), "broken", "run-9"); !errors.As(err, &held) || held.Holder != "run-1" {
		t.Errorf("breaking the lock of another run: %v", err)
	}
	wantHeld(t, paused)
	if err := lock.Break(t.Context(), at(config), "broken", "run-1"); err != nil {
		t.Fatal(err)
	}
	wantLost(t, paused, "it was unlocked")
	if err := lock.Break(t.Context(), at(config), "broken", "run-1"); !errors.Is(err, lock.ErrNotHeld) {
		t.Errorf("breaking it again: %v", err)
	}
}

// Whatever is left of a run's process is shut out once the run is resumed elsewhere.
func TestResumeShutsOutTheOldProcess(t *testing.T) {
	config := embeddedtest.Shared(t).REST
	old := acquire(t, config, "resumed", "run-1")
	resumed := acquire(t, config, "resumed", "run-1")
	wantLost(t, old, "the run was resumed elsewhere")
	if err := old.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantHeld(t, resumed)
}

func TestDeletedLease(t *testing.T) {
	config := embeddedtest.Shared(t).REST
	old := acquire(t, config, "deleted", "run-1")
	if err := leasesOf(t, config).Delete(t.Context(), "stagegate-deleted", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	wantLost(t, old, "its Lease was deleted")
	anew := acquire(t, config, "deleted", "run-1")
	if anew.Epoch() != old.Epoch() {
		t.Fatalf("epochs %d and %d: expected a new Lease to begin anew", old.Epoch(), anew.Epoch())
	}
	wantLost(t, old, "the run was resumed elsewhere")
}

// faulty passes requests on to the real API server, and loses its answers when told to.
type faulty struct {
	http.RoundTripper
	lose func(*http.Request) bool
}

var errFault = errors.New("network is unreachable")

func (f faulty) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := f.RoundTripper.RoundTrip(r)
	if err == nil && f.lose(r) {
		return nil, errors.Join(errFault, response.Body.Close())
	}
	return response, err
}

func losing(t *testing.T, lose func(*http.Request) bool) *rest.Config {
	t.Helper()
	config := rest.CopyConfig(embeddedtest.Shared(t).REST)
	config.Wrap(func(rt http.RoundTripper) http.RoundTripper { return faulty{rt, lose} })
	return config
}

func TestUnreachableFailsClosed(t *testing.T) {
	var cut atomic.Bool
	config := losing(t, func(*http.Request) bool { return cut.Load() })
	l := acquire(t, config, "closed", "run-1")
	wantHeld(t, l)
	cut.Store(true)
	if err := l.Held(t.Context()); !errors.Is(err, errFault) || errors.Is(err, lock.ErrLost) {
		t.Errorf("held: %v, want that it cannot be known", err)
	}
	_, err := lock.Acquire(t.Context(), at(config), "closed", "run-1")
	var held *lock.Held
	if !errors.Is(err, errFault) || errors.As(err, &held) || !strings.Contains(err.Error(), "without the lock nothing is changed") {
		t.Errorf("locking without an API server: %v", err)
	}
	if _, err := lock.Holder(t.Context(), at(config), "closed"); err == nil {
		t.Error("a lock that cannot be read was taken for none")
	}
	cut.Store(false)
	wantHeld(t, l)
}

// The Lease is made, or changed, and the answer is lost: the run has the lock all the same.
func TestLostAnswer(t *testing.T) {
	for _, environment := range []string{"lost", "lost"} { // created first, then updated
		var once sync.Once
		config := losing(t, func(r *http.Request) (lose bool) {
			if r.Method != http.MethodGet {
				once.Do(func() { lose = true })
			}
			return lose
		})
		l := acquire(t, config, environment, "run-1")
		wantHeld(t, l)
		if err := l.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestForbidden(t *testing.T) {
	config := rest.AnonymousClientConfig(embeddedtest.Shared(t).REST)
	_, err := lock.Acquire(t.Context(), at(config), "forbidden", "run-1")
	if err == nil || !strings.Contains(err.Error(), "allow this user to get, create and update leases.coordination.k8s.io in kube-system") {
		t.Errorf("error = %v", err)
	}
}

// A holder that was paused in the midst of its writes does no more after an unlock; what
// it reads and tries is let through.
func TestGuard(t *testing.T) {
	config := embeddedtest.Shared(t).REST
	l := acquire(t, config, "guarded", "run-1")
	guarded, err := kubernetes.NewForConfig(l.Guard(config))
	if err != nil {
		t.Fatal(err)
	}
	maps := guarded.CoreV1().ConfigMaps("default")
	write := func(name string, options metav1.CreateOptions) error {
		_, err := maps.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, options)
		return err
	}
	if err := write("before", metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := lock.Break(t.Context(), at(config), "guarded", "run-1"); err != nil {
		t.Fatal(err)
	}
	acquire(t, config, "guarded", "run-2")
	time.Sleep(time.Second) // the answer before the pause counts no more
	if err := write("after", metav1.CreateOptions{}); !errors.Is(err, lock.ErrLost) {
		t.Errorf("a write without the lock: %v", err)
	}
	if err := write("tried", metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
		t.Errorf("a dry run without the lock: %v", err)
	}
	if _, err := maps.Get(t.Context(), "after", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("reading what was refused: %v", err)
	}
}
