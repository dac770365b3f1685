//go:build e2e

package commands_test

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	networking "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/stagegate/stagegate/internal/e2e/e2etest"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/probe"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/report"
)

func (s *site) incident(t *testing.T) {
	production := s.untouched(t, "production")
	r := s.Result(t, 3, "promote", "changes/calico.yaml")
	e := e2etest.Environment(t, r, "staging")
	if e.Decision.Verdict != gate.Blocked || e.Grade != reach.Live {
		t.Errorf("staging: %s, %s", e.Decision.Verdict, e.Grade)
	}
	// Everything is deleted, in order, and still Felix's rules drop what new pods send: they
	// are of interfaces that it did not come to know. So the cluster is made anew.
	if e.Reverted == nil || len(e.Reverted.Left) > 0 || e.Reverted.Restored || !e.Reverted.Recreated || len(e.Reverted.Missing) == 0 {
		t.Errorf("staging: reverted %+v", e.Reverted)
	}
	e2etest.Lost(t, e, e2etest.ShopFront, "time-out", "GlobalNetworkPolicy default-deny-cross-namespace")
	e2etest.Lost(t, e, "deployment/storefront/web -> service/cart/api:9898/TCP", "time-out")
	if len(r.Environments) > 1 && !r.Environments[1].Untouched {
		t.Errorf("production was touched: %+v", r.Environments[1])
	}
	production()
	s.connect(t, "staging")
	s.clean(t, "staging")
}

// notUndone has production differ, so that the change is taken back there. Felix goes last,
// so that pods which were there before reach each other again; what new pods send is still
// dropped. Production is never thrown away: a person is told what to do.
func (s *site) notUndone(t *testing.T) {
	closed := &networking.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "closed", Namespace: "storefront"},
		Spec:       networking.NetworkPolicySpec{PolicyTypes: []networking.PolicyType{networking.PolicyTypeEgress}},
	}
	if _, err := s.clients["production"].Typed.NetworkingV1().NetworkPolicies("storefront").Create(t.Context(), closed, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	r := s.Result(t, 6, "promote", "changes/calico-allowed.yaml")
	s.passed(t, e2etest.Environment(t, r, "staging"))
	e := e2etest.Environment(t, r, "production")
	if e.Reverted == nil || e.Reverted.Restored || e.Reverted.Recreated || len(e.Reverted.Left) > 0 || len(e.Reverted.Missing) == 0 {
		t.Errorf("production: reverted %+v", e.Reverted)
	}
	e2etest.Lost(t, e, "deployment/storefront/web -> service/cart/api:9898/TCP", "time-out", "NetworkPolicy")
	next := strings.Join(r.Next, "\n")
	for _, want := range []string{"in production, still cut: ", "restart (or replace) the nodes of production", "stagegate rollback " + r.RunID + " --cluster-name e2e-production"} {
		if !strings.Contains(next, want) {
			t.Errorf("the next steps do not say %q:\n%s", want, next)
		}
	}
	s.clean(t, "production")
	s.answers(t, "production", "shop.example")
	s.doAsTold(t, r.RunID)
	if err := s.clients["production"].Typed.NetworkingV1().NetworkPolicies("storefront").Delete(t.Context(), "closed", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// doAsTold takes the next steps of a run that could not restore production.
func (s *site) doAsTold(t *testing.T, run string) {
	t.Helper()
	const node = "stagegate-e2e-production-control-plane"
	e2etest.Engine(t, nil, "restart", node)
	s.connect(t, "production")
	e2etest.Engine(t, nil, "exec", node, "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf",
		"wait", "--all-namespaces", "--for=condition=Ready", "pods", "--all", "--timeout=90s")
	out := s.Run(t, 0, "rollback", run, "--cluster-name", "e2e-production")
	if !strings.Contains(out, "every edge of the baseline is back") {
		t.Errorf("what production was told to do did not bring traffic back:\n%s", out)
	}
}

// answers wants the ingress controller of an environment to get an answer for a host from
// pods that were there all the while.
func (s *site) answers(t *testing.T, environment, host string) {
	t.Helper()
	client := s.clients[environment].Typed
	nodes, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	service, err := client.CoreV1().Services("ingress").Get(t.Context(), "traefik", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	target := net.JoinHostPort(nodes.Items[0].Status.Addresses[0].Address, strconv.Itoa(int(service.Spec.Ports[0].NodePort)))
	got := probe.Try(t.Context(), probe.Target{Protocol: probe.HTTP, Wait: probe.AnswerTimeout, HTTP: &probe.Request{
		URL: "http://" + host + "/", Resolve: map[string]string{net.JoinHostPort(host, "80"): target},
	}})
	if got.Code != probe.Answered || got.Status != http.StatusOK {
		t.Errorf("%s: %s is not served any more: %+v", environment, host, got)
	}
}

// corrected comes after notUndone, which has staging's evidence for this change already.
func (s *site) corrected(t *testing.T) {
	r := s.Result(t, 0, "promote", "changes/calico-allowed.yaml")
	s.passed(t, e2etest.Environment(t, r, "production"))
}

// passed wants the corrected change to have passed in an environment.
func (s *site) passed(t *testing.T, e report.Environment) {
	t.Helper()
	if e.Decision.Verdict != gate.Pass || e.Grade != reach.Live || e.Evidence == "" {
		t.Errorf("%s: %s, %s, evidence %q", e.Name, e.Decision.Verdict, e.Grade, e.Evidence)
	}
	for _, c := range e.Difference.Lost { // but for what is meant to be closed, and is now that a policy engine is there
		if c.Edge.String() != "deployment/storefront/web -> service/payments/api:9898/TCP" {
			t.Errorf("%s: lost %s: %s", e.Name, c.Edge, c.Reason)
		}
	}
	s.clean(t, e.Name)
}

// onlyProduction comes after corrected: Felix enforces the policy.
func (s *site) onlyProduction(t *testing.T) {
	production := s.untouched(t, "production")
	r := s.Result(t, 5, "promote", "changes/payments-policy.yaml")
	if e := e2etest.Environment(t, r, "staging"); e.Decision.Verdict != gate.Pass {
		t.Errorf("staging: %s", e.Decision.Verdict)
	}
	e := e2etest.Environment(t, r, "production")
	e2etest.Restored(t, e)
	e2etest.Lost(t, e, "external -> ingress/payments/api (pay.example/)", "time-out", "NetworkPolicy")
	production()
}
