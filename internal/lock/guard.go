package lock

import (
	"net/http"
	"sync"
	"time"

	"k8s.io/client-go/rest"
)

// guardInterval is how old the answer that the lock is held may be when something is written.
const guardInterval = time.Second

// Guard returns a configuration whose writes fail once the lock is lost: a run that was
// paused in the midst of a change, and wakes up after an unlock, does no more.
func (l *Lock) Guard(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	g := &guard{lock: l}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return guarded{g, next} })
	return config
}

type guard struct {
	lock  *Lock
	mu    sync.Mutex
	asked time.Time // by the wall clock, which goes on while a machine is suspended
}

type guarded struct {
	*guard
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (g guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if writes(r) {
		if err := g.held(r); err != nil {
			if r.Body != nil {
				_ = r.Body.Close() // as the interface asks; nothing was read of it
			}
			return nil, err
		}
	}
	return g.next.RoundTrip(r)
}

// writes is true for what is more than a look or a trial.
func writes(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && r.URL.Query().Get("dryRun") == ""
}

func (g *guard) held(r *http.Request) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now().Round(0)
	if age := now.Sub(g.asked); age >= 0 && age < guardInterval {
		return nil
	}
	if err := g.lock.Held(r.Context()); err != nil {
		return err
	}
	g.asked = now
	return nil
}
