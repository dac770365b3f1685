// Package applytest has what tests of the apply back ends share: a cluster, records that
// go through JSON, and dumps of a cluster that show whether a revert has put all back.
package applytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/cluster/embedded/embeddedtest"
)

// Config is the client configuration of the cluster to test on: what TEST_KUBECONFIG
// names, or an embedded cluster that the package's tests share.
func Config(t testing.TB) *rest.Config {
	t.Helper()
	path := os.Getenv("TEST_KUBECONFIG")
	if path == "" {
		return embeddedtest.Shared(t).REST
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// Clients are clients of the cluster to test on.
func Clients(t testing.TB) *apply.Clients {
	t.Helper()
	c, err := apply.NewClients(Config(t))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Record is a record with what has been saved of it.
type Record struct {
	*apply.Record
	Saved []byte
}

var key = bytes.Repeat([]byte{7}, 32)

// NewRecord starts the record of a part.
func NewRecord(t testing.TB, part change.Part) *Record {
	t.Helper()
	r := &Record{}
	run := fmt.Sprintf("test-%x", time.Now().UnixNano())
	r.Record = apply.NewRecord(run, 0, part, key, func(saved *apply.Record) (err error) {
		r.Saved, err = json.Marshal(saved)
		return err
	})
	return r
}

// Reload is the record as another process would read it after this one has died.
func (r *Record) Reload(t testing.TB) *apply.Record {
	t.Helper()
	out := &apply.Record{}
	if err := json.Unmarshal(r.Saved, out); err != nil {
		t.Fatal(err)
	}
	out.Resume(key, func(*apply.Record) error { return nil })
	return out
}

// Revert takes a saved record back and wants nothing left and nothing kept.
func Revert(t testing.TB, b apply.Backend, r *Record) {
	t.Helper()
	outcome, err := b.Revert(t.Context(), r.Reload(t), Log(t))
	if err != nil || !outcome.Complete() || len(outcome.Kept) > 0 {
		t.Errorf("revert: %+v, %v", outcome, err)
	}
}

// Log writes progress to the test's log.
func Log(t testing.TB) apply.Progress {
	return func(e apply.Event) { t.Log(e.Step, e.Object, e.Detail) }
}
