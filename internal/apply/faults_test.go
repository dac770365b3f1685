package apply_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/apply/applytest"
	"github.com/stagegate/stagegate/internal/change"
)

const stall = `
apiVersion: v1
kind: Namespace
metadata: {name: apply-stall}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: apply-stall}
data: {count: "1"}
---
apiVersion: v1
kind: Service
metadata: {name: b, namespace: apply-stall}
spec: {selector: {app: b}, ports: [{port: 80}]}
`

type fault func(n int64, w http.ResponseWriter, r *http.Request, pass http.Handler)

// proxied counts the mutating requests and gives them to the fault.
func proxied(t *testing.T, f fault) *apply.Clients {
	var n atomic.Int64
	return applytest.Proxy(t, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if !applytest.Mutates(r) {
			pass.ServeHTTP(w, r)
			return
		}
		f(n.Add(1), w, r, pass)
	})
}

func TestFaultsThatPassAreSurvived(t *testing.T) {
	faults := map[string]fault{
		"429 with Retry-After": func(n int64, w http.ResponseWriter, r *http.Request, pass http.Handler) {
			if n <= 2 {
				applytest.Fail(w, http.StatusTooManyRequests, "Retry-After", "1")
				return
			}
			pass.ServeHTTP(w, r)
		},
		"a burst of 500 and 503": func(n int64, w http.ResponseWriter, r *http.Request, pass http.Handler) {
			if n <= 4 {
				applytest.Fail(w, 500+3*int(n%2))
				return
			}
			pass.ServeHTTP(w, r)
		},
		"connection reset": func(n int64, w http.ResponseWriter, r *http.Request, pass http.Handler) {
			if n%2 == 1 {
				applytest.Reset(w)
				return
			}
			pass.ServeHTTP(w, r)
		},
		"response lost": func(n int64, w http.ResponseWriter, r *http.Request, pass http.Handler) {
			if n%3 == 1 {
				applytest.Lose(w, r, pass)
				return
			}
			pass.ServeHTTP(w, r)
		},
	}
	c := applytest.Clients(t)
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			before := applytest.Dump(t, c)
			b := apply.NewObjects(proxied(t, f), apply.Options{})
			first := applied(t, b, applytest.Part{Title: "stall", Text: stall})
			middle := applytest.Dump(t, c)
			b = apply.NewObjects(proxied(t, f), apply.Options{})
			second := applied(t, b, applytest.Part{Title: "more", Text: strings.NewReplacer(`"1"`, `"2"`, "port: 80", "port: 81").Replace(stall)})
			applytest.Revert(t, b, second)
			applytest.Same(t, c, middle)
			applytest.Revert(t, apply.NewObjects(proxied(t, f), apply.Options{}), first)
			applytest.Same(t, c, before)
		})
	}
}

func TestFaultsThatStayStopTheApplyAndAreReverted(t *testing.T) {
	service := func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/services/b") }
	faults := map[string]struct {
		fault fault
		want  string
	}{
		"500 for one object": {func(_ int64, w http.ResponseWriter, r *http.Request, pass http.Handler) {
			if service(r) {
				applytest.Fail(w, 500)
				return
			}
			pass.ServeHTTP(w, r)
		}, "Service apply-stall/b"},
		"created, and the answer always lost": {func(_ int64, w http.ResponseWriter, r *http.Request, pass http.Handler) {
			if service(r) {
				applytest.Lose(w, r, pass)
				return
			}
			pass.ServeHTTP(w, r)
		}, "tried"},
		"the API server goes away": {func(n int64, w http.ResponseWriter, r *http.Request, pass http.Handler) {
			if n > 3 {
				applytest.Reset(w)
				return
			}
			pass.ServeHTTP(w, r)
		}, "tried"},
	}
	c := applytest.Clients(t)
	for name, test := range faults {
		t.Run(name, func(t *testing.T) {
			before := applytest.Dump(t, c)
			b := apply.NewObjects(proxied(t, test.fault), apply.Options{RetryFor: time.Second})
			part := applytest.Part{Title: "stall", Text: stall}
			record := applytest.NewRecord(t, part)
			err := b.Apply(t.Context(), part, change.Target{}, record.Record, applytest.Log(t))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("apply: %v, want an error with %q", err, test.want)
			}
			applytest.Revert(t, apply.NewObjects(c, apply.Options{}), record)
			applytest.Same(t, c, before)
		})
	}
}

// A process that dies leaves the record as it was last saved: the answer to its last
// request is lost, and nothing follows.
func TestEveryMomentCanBeReverted(t *testing.T) {
	c := applytest.Clients(t)
	part := applytest.Part{Title: "shop", Text: shop}
	for last := int64(0); last <= 8; last += 2 {
		before := applytest.Dump(t, c)
		dying := proxied(t, func(n int64, w http.ResponseWriter, r *http.Request, pass http.Handler) {
			switch {
			case n < last:
				pass.ServeHTTP(w, r)
			case n == last:
				applytest.Lose(w, r, pass)
			default:
				applytest.Reset(w)
			}
		})
		record := applytest.NewRecord(t, part)
		b := apply.NewObjects(dying, apply.Options{RetryFor: time.Millisecond})
		if err := b.Apply(t.Context(), part, change.Target{}, record.Record, nil); err == nil {
			t.Fatalf("apply ended well after %d requests", last)
		}
		applytest.Revert(t, apply.NewObjects(c, apply.Options{}), record)
		applytest.Same(t, c, before)
	}
}
