// Package clustertest is the one conformance suite for all providers of clusters.
package clustertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/stagegate/stagegate/internal/cluster"
)

// Timeout bounds each step that waits for a cluster.
const Timeout = 3 * time.Minute

// Fresh returns a provider and the name of a cluster that it may use and that does not
// exist yet. It is called once for each cluster that the suite needs.
type Fresh func(t *testing.T) (cluster.Provider, string)

// Run checks a provider that can make clusters. Parts that need a power that it does not
// have (cluster.Destroyer) are skipped. A cluster whose making is interrupted must be absent
// or in one of the states left, from which the next Ensure has to complete it.
func Run(t *testing.T, fresh Fresh, left ...cluster.State) {
	t.Run("lifecycle", func(t *testing.T) { lifecycle(t, fresh) })
	t.Run("cancelled", func(t *testing.T) { cancelled(t, fresh, left) })
	t.Run("names", func(t *testing.T) { names(t, fresh) })
}

// RunExisting checks a provider of a cluster that exists already and goes on afterwards.
func RunExisting(t *testing.T, provider cluster.Provider, name string) {
	if got := wantState(t, provider, name, cluster.Running); got.UID == "" {
		t.Errorf("Status before the first use names no UID: %+v", got)
	}
	t.Run("use", func(t *testing.T) { use(t, provider, name) })
	wantState(t, provider, name, cluster.Running)
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := provider.Ensure(ctx, name, true, t.Logf); !errors.Is(err, context.Canceled) {
			t.Errorf("Ensure = %v; want context.Canceled", err)
		}
	})
	if _, ok := provider.(cluster.Destroyer); ok {
		t.Error("the provider would destroy a cluster that it did not make")
	}
}

// use takes a cluster twice and gives it back.
func use(t *testing.T, provider cluster.Provider, name string) *cluster.Cluster {
	t.Helper()
	first := ensure(t, provider, name)
	if got := wantState(t, provider, name, cluster.Running); got.UID != first.UID || got.Version != first.Version {
		t.Errorf("Status = %+v; want UID %s and version %s", got, first.UID, first.Version)
	}
	if first.Name != name || first.Provider == "" || first.Version == "" || first.Kubeconfig == "" || first.Best == "" {
		t.Errorf("Ensure left fields empty: %+v", first)
	}
	t.Run("objects behave", func(t *testing.T) { objects(t, first) })
	again := ensure(t, provider, name)
	if again.UID != first.UID {
		t.Errorf("a second Ensure found UID %s; want %s", again.UID, first.UID)
	}
	release(t, again)
	wantState(t, provider, name, cluster.Running)
	found(t, provider, name, first.UID)
	release(t, first)
	release(t, first)
	return first
}

// found finds a cluster that exists.
func found(t *testing.T, provider cluster.Provider, name, uid string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Timeout)
	defer cancel()
	c, err := cluster.Find(ctx, provider, name, t.Logf)
	if err != nil {
		t.Errorf("finding %s: %v", name, err)
		return
	}
	if c.UID != uid {
		t.Errorf("Find found UID %s; want %s", c.UID, uid)
	}
	release(t, c)
}

// lifecycle takes one cluster from absent to absent, with a stop in between, and has another
// one beside it.
func lifecycle(t *testing.T, fresh Fresh) {
	provider, name := fresh(t)
	wantState(t, provider, name, cluster.Absent)
	if _, err := cluster.Find(t.Context(), provider, name, t.Logf); err == nil {
		t.Error("Find found a cluster that is absent")
	}
	wantState(t, provider, name, cluster.Absent)
	beside, other := fresh(t)
	sideBySide(t, [2]cluster.Provider{provider, beside}, [2]string{name, other})
	first := use(t, provider, name)
	if status(t, provider, name).State == cluster.Stopped {
		found(t, provider, name, first.UID)
		restarted := ensure(t, provider, name)
		if restarted.UID != first.UID {
			t.Errorf("after a stop the UID is %s; want %s", restarted.UID, first.UID)
		}
		release(t, restarted)
	}
	destroyer, ok := provider.(cluster.Destroyer)
	if !ok {
		t.Skip("this provider destroys nothing")
	}
	for range 2 { // the second time there is nothing left
		if err := destroyer.Destroy(t.Context(), name, t.Logf); err != nil {
			t.Fatal(err)
		}
		wantState(t, provider, name, cluster.Absent)
	}
}

// sideBySide makes two clusters at once and tries the credentials of each on the other.
func sideBySide(t *testing.T, providers [2]cluster.Provider, names [2]string) {
	t.Helper()
	var clusters [2]*cluster.Cluster
	var both sync.WaitGroup
	for i := range clusters {
		both.Go(func() { clusters[i] = tryEnsure(t, providers[i], names[i]) })
	}
	both.Wait()
	if clusters[0] == nil || clusters[1] == nil {
		t.FailNow()
	}
	if clusters[0].UID == clusters[1].UID {
		t.Fatalf("both clusters have UID %s", clusters[0].UID)
	}
	for i, target := range clusters {
		stranger := clusters[1-i]
		config := rest.CopyConfig(target.REST)
		config.CertData, config.KeyData = stranger.REST.CertData, stranger.REST.KeyData
		config.CertFile, config.KeyFile = stranger.REST.CertFile, stranger.REST.KeyFile
		config.BearerToken, config.BearerTokenFile = stranger.REST.BearerToken, stranger.REST.BearerTokenFile
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{}); err == nil {
			t.Errorf("cluster %s accepts the credentials of %s", target.Name, stranger.Name)
		}
	}
}

// cancelled interrupts the making of a cluster before it begins, early and late.
func cancelled(t *testing.T, fresh Fresh, left []cluster.State) {
	for name, after := range map[string]func(line string, cancel func()){
		"before": func(_ string, cancel func()) { cancel() },
		"early": func(line string, cancel func()) {
			if line != "" {
				cancel()
			}
		},
		"late": func(_ string, cancel func()) { time.AfterFunc(time.Second, cancel) },
	} {
		t.Run(name, func(t *testing.T) {
			provider, name := fresh(t)
			Interrupt(t, provider, name, after, left...)
		})
	}
}

// Interrupt begins to make a cluster and calls it off when at says so, which is called
// before anything is done, with an empty line, and then with each line of progress. What is
// left has to be as Run says.
func Interrupt(t *testing.T, provider cluster.Provider, name string, at func(line string, cancel func()), left ...cluster.State) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	at("", cancel)
	c, err := provider.Ensure(ctx, name, true, func(format string, args ...any) {
		line := fmt.Sprintf(format, args...)
		t.Log(line)
		at(line, cancel)
	})
	if err == nil {
		t.Log("ready before it was interrupted, which is no fault")
		takeAway(t, provider, c)
		return
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Ensure = %v; want context.Canceled", err)
	}
	switch got := status(t, provider, name); {
	case got.State == cluster.Absent:
	case slices.Contains(left, got.State):
		ensure(t, provider, name)
	default:
		t.Errorf("Status(%s) = %+v; want %s or one of %v", name, got, cluster.Absent, left)
	}
}

func names(t *testing.T, fresh Fresh) {
	provider, _ := fresh(t)
	for _, name := range []string{"", "Upper", "a/b", "..", "-a", "a b"} {
		if _, err := provider.Ensure(t.Context(), name, false, t.Logf); err == nil {
			t.Errorf("Ensure(%q) made a cluster; want an error", name)
		}
		if destroyer, ok := provider.(cluster.Destroyer); ok {
			if err := destroyer.Destroy(t.Context(), name, t.Logf); err == nil {
				t.Errorf("Destroy(%q) = nil; want an error", name)
			}
		}
	}
}

// ensure starts a cluster and takes it away when the test ends.
func ensure(t *testing.T, provider cluster.Provider, name string) *cluster.Cluster {
	t.Helper()
	c := tryEnsure(t, provider, name)
	if c == nil {
		t.FailNow()
	}
	return c
}

// tryEnsure is ensure for any goroutine: nil where the cluster does not start.
func tryEnsure(t *testing.T, provider cluster.Provider, name string) *cluster.Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Timeout)
	defer cancel()
	start := time.Now()
	c, err := provider.Ensure(ctx, name, false, t.Logf)
	if err != nil {
		t.Error(err)
		return nil
	}
	t.Logf("cluster %s after %s", name, time.Since(start).Round(10*time.Millisecond))
	t.Cleanup(func() { takeAway(t, provider, c) })
	return c
}

func takeAway(t *testing.T, provider cluster.Provider, c *cluster.Cluster) {
	t.Helper()
	release(t, c)
	if destroyer, ok := provider.(cluster.Destroyer); ok {
		if err := destroyer.Destroy(context.WithoutCancel(t.Context()), c.Name, t.Logf); err != nil {
			t.Error(err)
		}
	}
}

func release(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), Timeout)
	defer cancel()
	if err := c.Release(ctx); err != nil {
		t.Errorf("releasing %s: %v", c.Name, err)
	}
}

func status(t *testing.T, provider cluster.Provider, name string) cluster.Status {
	t.Helper()
	status, err := provider.Status(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

func wantState(t *testing.T, provider cluster.Provider, name string, want cluster.State) cluster.Status {
	t.Helper()
	got := status(t, provider, name)
	if got.State != want {
		t.Errorf("Status(%s) = %+v; want %s", name, got, want)
	}
	return got
}
