//go:build e2e

package commands_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/apply/applytest"
	"github.com/stagegate/stagegate/internal/e2e/e2etest"
	"github.com/stagegate/stagegate/internal/reach"
)

// site is two clusters, staging and production, with the platform that the project ships
// with, and the compiled program that gates changes to them.
type site struct {
	*e2etest.Program
	mu      sync.Mutex
	clients map[string]*apply.Clients // by environment
}

// TestGate takes changes through two kind clusters, with the command line as a user would.
// The scenarios share the clusters; each leaves them as its successors expect them.
func TestGate(t *testing.T) {
	s := newSite(t)
	t.Run("a change that never gets ready is blocked", s.neverReady)
	t.Run("interrupted at each stage", s.interrupted)
	t.Run("a run of 20 objects is measured", s.twentyObjects)
	t.Run("an interruption is measured", s.interruption)
	t.Run("local images are loaded", s.localImages)
	t.Run("real charts are promoted and rolled back", s.charts)
	t.Run("the incident is blocked on staging", s.incident)
	t.Run("what production cannot undo is told", s.notUndone)
	t.Run("the corrected change is promoted", s.corrected)
	t.Run("what only production refuses is rolled back", s.onlyProduction)
	t.Run("a Terraform change", s.terraform)
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{Program: e2etest.New(t, "e2e-staging", "e2e-production"), clients: map[string]*apply.Clients{}}
	t.Cleanup(func() {
		var both sync.WaitGroup
		for _, name := range []string{"e2e-staging", "e2e-production"} {
			both.Go(func() { s.Run(t, 0, "env", "down", "--cluster-name", name, "--yes") })
		}
		both.Wait()
	})
	began := time.Now()
	var both sync.WaitGroup
	for _, name := range []string{"staging", "production"} {
		both.Go(func() { s.connect(t, name) })
	}
	both.Wait()
	if t.Failed() {
		t.FailNow()
	}
	e2etest.Measured(t, "two kind clusters with the platform on them, side by side", time.Since(began), 0, 70*time.Second)
	return s
}

// connect brings an environment's cluster up, if it is not, and makes clients for it.
func (s *site) connect(t *testing.T, environment string) {
	t.Helper()
	output := s.Run(t, 0, "env", "up", "--cluster-name", "e2e-"+environment)
	_, kubeconfig, _ := strings.Cut(output, "export KUBECONFIG=")
	config, err := clientcmd.BuildConfigFromFlags("", strings.TrimSpace(kubeconfig))
	if err != nil {
		t.Error(err)
		return
	}
	config.QPS, config.Burst = 100, 200
	clients, err := apply.NewClients(config)
	if err != nil {
		t.Error(err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients[environment] = clients
}

// untouched remembers all objects of an environment's cluster; the function returned wants
// them as they were.
func (s *site) untouched(t *testing.T, environment string) (check func()) {
	t.Helper()
	before := applytest.Dump(t, s.clients[environment])
	return func() {
		t.Helper()
		applytest.Same(t, s.clients[environment], before)
		s.clean(t, environment)
	}
}

// clean wants nothing of a run left: no probe pod, and no lease of one or of a lock.
func (s *site) clean(t *testing.T, environment string) {
	t.Helper()
	client := s.clients[environment].Typed
	pods, err := client.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{LabelSelector: reach.ProbeLabel})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods.Items {
		t.Errorf("%s: probe pod %s/%s is left", environment, pod.Namespace, pod.Name)
	}
	leases, err := client.CoordinationV1().Leases("").List(t.Context(), metav1.ListOptions{FieldSelector: "metadata.namespace!=kube-node-lease"})
	if err != nil {
		t.Fatal(err)
	}
	for _, lease := range leases.Items {
		if strings.HasPrefix(lease.Name, "stagegate") && lease.Spec.HolderIdentity != nil && *lease.Spec.HolderIdentity != "" {
			t.Errorf("%s: lease %s/%s is held by %s", environment, lease.Namespace, lease.Name, *lease.Spec.HolderIdentity)
		}
	}
}
