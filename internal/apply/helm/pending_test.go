package helm_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/apply/applytest"
	"github.com/stagegate/stagegate/internal/apply/helm"
)

// killed applies the part and cuts every request off once its release record is there:
// the release stays pending, as when the process is killed. Where the record could not be
// made, on a busy machine, the part is taken back and applied again.
func killed(t *testing.T, set ...string) *applytest.Record {
	t.Helper()
	for range 3 {
		record, err := cutOff(t, set...)
		if err == nil {
			return record
		}
		t.Logf("the release record was not made, so nothing was killed: %v", err)
		applytest.Revert(t, helm.New(applytest.Clients(t), apply.Options{}), record)
	}
	t.Fatal("no release record was made")
	return nil
}

// cutOff returns an error where the apply failed before it was cut off.
func cutOff(t *testing.T, set ...string) (*applytest.Record, error) {
	t.Helper()
	var dead atomic.Bool
	clients := applytest.Proxy(t, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if dead.Load() {
			applytest.Reset(w)
			return
		}
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/secrets") {
			w = created{w, func() { dead.Store(true) }}
		}
		pass.ServeHTTP(w, r)
	})
	part := load(t, set...)
	record := applytest.NewRecord(t, part)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	b := helm.New(clients, apply.Options{RetryFor: time.Millisecond})
	err := b.Apply(ctx, part, target, record.Record, applytest.Log(t))
	switch {
	case err == nil:
		t.Fatal("apply ended well although it was cut off")
	case !dead.Load():
		return record, err
	}
	return record, nil
}

// created tells that an object was created before who asked for it gets to know.
type created struct {
	http.ResponseWriter
	tell func()
}

func (c created) WriteHeader(code int) {
	if code == http.StatusCreated {
		c.tell()
	}
	c.ResponseWriter.WriteHeader(code)
}

func status(t *testing.T, c *apply.Clients, record string) string {
	t.Helper()
	s, err := c.Typed.CoreV1().Secrets("helm-shop").Get(t.Context(), record, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s.Labels["status"]
}

func TestReleaseThatWasKilledIsTakenBack(t *testing.T) {
	c := applytest.Clients(t)
	b := helm.New(c, apply.Options{})
	before := applytest.Dump(t, c)
	applytest.Revert(t, b, killed(t))
	applytest.Same(t, c, before)

	installed := applied(t, b, load(t))
	middle := applytest.Dump(t, c)
	record := killed(t, "colour=green")
	if got := status(t, c, "sh.helm.release.v1.shop.v2"); got != "pending-upgrade" {
		t.Errorf("status is %s, want pending-upgrade", got)
	}
	applytest.Revert(t, b, record)
	applytest.Same(t, c, middle)
	applytest.Revert(t, b, installed)
	applytest.Same(t, c, before)
}

func TestPendingReleaseIsRecoveredWhenOurs(t *testing.T) {
	c := applytest.Clients(t)
	b := helm.New(c, apply.Options{})
	before := applytest.Dump(t, c)
	installed := applied(t, b, load(t))
	killed(t, "colour=green") // its record is lost
	applied(t, b, load(t, "colour=red"))
	if got := status(t, c, "sh.helm.release.v1.shop.v4"); got != "deployed" {
		t.Errorf("status is %s, want deployed", got)
	}
	outcome, err := b.Revert(t.Context(), installed.Reload(t), applytest.Log(t))
	if err != nil || len(outcome.Left) == 0 || !strings.Contains(outcome.Left[0].Why, "revision 4") {
		t.Errorf("reverting the first: %+v, %v, want the later revision named", outcome, err)
	}
	uninstall(t, c, before)
}

func TestPendingReleaseOfOthersIsRefused(t *testing.T) {
	c := applytest.Clients(t)
	b := helm.New(c, apply.Options{})
	before := applytest.Dump(t, c)
	record := killed(t)
	s, err := c.Typed.CoreV1().Secrets("helm-shop").Get(t.Context(), "sh.helm.release.v1.shop.v1", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	run := s.Labels[apply.RunLabel]
	setRun(t, c, s, "")
	err = b.Apply(t.Context(), load(t), target, applytest.NewRecord(t, load(t)).Record, nil)
	if err == nil || !strings.Contains(err.Error(), "pending-install") || !strings.Contains(err.Error(), "helm uninstall shop -n helm-shop") {
		t.Errorf("apply: %v", err)
	}
	setRun(t, c, s, run)
	applytest.Revert(t, b, record)
	applytest.Same(t, c, before)
}

func setRun(t *testing.T, c *apply.Clients, s *corev1.Secret, run string) {
	t.Helper()
	s = s.DeepCopy()
	s.ResourceVersion = ""
	delete(s.Labels, apply.RunLabel)
	if run != "" {
		s.Labels[apply.RunLabel] = run
	}
	if _, err := c.Typed.CoreV1().Secrets(s.Namespace).Update(t.Context(), s, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// uninstall clears what a test has left: the namespace, the CRD and the inventories.
func uninstall(t *testing.T, c *apply.Clients, before map[string]string) {
	t.Helper()
	ctx := t.Context()
	if err := c.Typed.CoreV1().Namespaces().Delete(ctx, "helm-shop", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	crds := c.Dynamic.Resource(applytest.CRDs)
	if err := crds.Delete(ctx, "gadgets.example.com", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	err := c.Typed.CoreV1().ConfigMaps("kube-system").DeleteCollection(ctx, metav1.DeleteOptions{},
		metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=stagegate"})
	if err != nil {
		t.Fatal(err)
	}
	applytest.Same(t, c, before)
}
