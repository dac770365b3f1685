//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	networking "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/apply/applytest"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/probe"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/report"
)

// chartsVariable names a directory with podinfo-*.tgz and traefik-*.tgz, the projects' own charts.
const chartsVariable = "STAGEGATE_TEST_CHARTS"

// site is two clusters, staging and production, with the platform that the project ships
// with, and the compiled program that gates changes to them.
type site struct {
	*program
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
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{program: newProgram(t, "e2e-staging", "e2e-production"), clients: map[string]*apply.Clients{}}
	t.Cleanup(func() {
		for _, name := range []string{"e2e-staging", "e2e-production"} {
			s.run(t, 0, "env", "down", "--cluster-name", name, "--yes")
		}
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
	measured(t, "two kind clusters with the platform on them, side by side", time.Since(began), 0, 70*time.Second)
	return s
}

// connect brings an environment's cluster up, if it is not, and makes clients for it.
func (s *site) connect(t *testing.T, environment string) {
	t.Helper()
	output := s.run(t, 0, "env", "up", "--cluster-name", "e2e-"+environment)
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

// restored wants an environment blocked, its change taken back, and nothing thrown away.
func restored(t *testing.T, e report.Environment) {
	t.Helper()
	if e.Decision.Verdict != gate.Blocked || e.Reverted == nil || !e.Reverted.Restored || e.Reverted.Recreated {
		t.Errorf("%s: verdict %s, reverted %+v", e.Name, e.Decision.Verdict, e.Reverted)
	}
	if e.Grade != reach.Live {
		t.Errorf("%s: grade %s", e.Name, e.Grade)
	}
}

// lost wants a finding of the rule for an edge, with the text in its message.
func lost(t *testing.T, e report.Environment, edge string, texts ...string) {
	t.Helper()
	for _, f := range e.Decision.Findings {
		if f.Rule != gate.RuleLost || f.Edge == nil || f.Edge.String() != edge {
			continue
		}
		for _, text := range texts {
			if !strings.Contains(f.Message, text) {
				t.Errorf("%s: %s: it does not say %q", edge, f.Message, text)
			}
		}
		return
	}
	t.Errorf("%s: no loss of %s was found", e.Name, edge)
}

const shopFront = "external -> ingress/storefront/web (shop.example/)"

func (s *site) incident(t *testing.T) {
	production := s.untouched(t, "production")
	r := s.result(t, 3, "promote", "changes/calico.yaml")
	e := environment(t, r, "staging")
	if e.Decision.Verdict != gate.Blocked || e.Grade != reach.Live {
		t.Errorf("staging: %s, %s", e.Decision.Verdict, e.Grade)
	}
	// Everything is deleted, in order, and still Felix's rules drop what new pods send: they
	// are of interfaces that it did not come to know. So the cluster is made anew.
	if e.Reverted == nil || len(e.Reverted.Left) > 0 || e.Reverted.Restored || !e.Reverted.Recreated || len(e.Reverted.Missing) == 0 {
		t.Errorf("staging: reverted %+v", e.Reverted)
	}
	lost(t, e, shopFront, "time-out", "GlobalNetworkPolicy default-deny-cross-namespace")
	lost(t, e, "deployment/storefront/web -> service/cart/api:9898/TCP", "time-out")
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
	r := s.result(t, 6, "promote", "changes/calico-allowed.yaml")
	s.passed(t, environment(t, r, "staging"))
	e := environment(t, r, "production")
	if e.Reverted == nil || e.Reverted.Restored || e.Reverted.Recreated || len(e.Reverted.Left) > 0 || len(e.Reverted.Missing) == 0 {
		t.Errorf("production: reverted %+v", e.Reverted)
	}
	lost(t, e, "deployment/storefront/web -> service/cart/api:9898/TCP", "time-out", "NetworkPolicy")
	next := strings.Join(r.Next, "\n")
	for _, want := range []string{"in production, still cut: ", "restart (or replace) the nodes of production", "stagegate rollback " + r.RunID + " --cluster-name e2e-production"} {
		if !strings.Contains(next, want) {
			t.Errorf("the next steps do not say %q:\n%s", want, next)
		}
	}
	s.clean(t, "production")
	s.answers(t, "production", "shop.example")
	s.run(t, 0, "env", "down", "--cluster-name", "e2e-production", "--yes")
	s.connect(t, "production")
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
	r := s.result(t, 0, "promote", "changes/calico-allowed.yaml")
	s.passed(t, environment(t, r, "production"))
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
	r := s.result(t, 5, "promote", "changes/payments-policy.yaml")
	if e := environment(t, r, "staging"); e.Decision.Verdict != gate.Pass {
		t.Errorf("staging: %s", e.Decision.Verdict)
	}
	e := environment(t, r, "production")
	restored(t, e)
	lost(t, e, "external -> ingress/payments/api (pay.example/)", "time-out", "NetworkPolicy")
	production()
}

const neverReadyChange = `apiVersion: apps/v1
kind: Deployment
metadata: {name: stuck, namespace: cart}
spec:
  selector: {matchLabels: {app: stuck}}
  template:
    metadata: {labels: {app: stuck}}
    spec:
      containers:
      - name: podinfo
        image: ghcr.io/stefanprodan/podinfo:6.9.2
        imagePullPolicy: IfNotPresent
        readinessProbe: {httpGet: {path: /nothing-here, port: 9898}, periodSeconds: 1}
`

func (s *site) neverReady(t *testing.T) {
	staging, production := s.untouched(t, "staging"), s.untouched(t, "production")
	s.edit(t, "environments/staging.yaml", "readyTimeout: 5m", "readyTimeout: 8s")
	defer s.edit(t, "environments/staging.yaml", "readyTimeout: 8s", "readyTimeout: 5m")
	s.write(t, "never-ready.yaml", neverReadyChange)
	e := environment(t, s.result(t, 3, "promote", "never-ready.yaml"), "staging")
	restored(t, e)
	if e.Decision.Findings[0].Rule != gate.RuleApply || !strings.Contains(e.Decision.Findings[0].Message, "Deployment.apps cart/stuck") {
		t.Errorf("the first finding is not that the Deployment is not ready: %+v", e.Decision.Findings[0])
	}
	staging()
	production()
}

// withNamespace is a change that is blocked in verify: nothing is behind its Ingress.
const withNamespace = `apiVersion: v1
kind: Namespace
metadata: {name: late}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: late, namespace: late}
spec:
  ingressClassName: traefik
  rules: [{host: late.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: none, port: {number: 80}}}}]}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: late, namespace: late}
spec:
  selector: {matchLabels: {app: late}}
  template:
    metadata: {labels: {app: late}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: podinfo, image: "ghcr.io/stefanprodan/podinfo:6.9.2", imagePullPolicy: IfNotPresent}]
`

func (s *site) interrupted(t *testing.T) {
	s.write(t, "late.yaml", withNamespace)
	staging := s.untouched(t, "staging")
	for _, at := range []string{"staging: plan …", "probe pods made", "staging: apply …", "staging: verify …", "staging: revert …"} {
		t.Run(at, func(t *testing.T) {
			s.interrupt(t, 130, at, "stage", "late.yaml")
			s.clean(t, "staging")
		})
	}
	staging()
	t.Run("soak", func(t *testing.T) {
		s.edit(t, "environments/staging.yaml", "soak: 0s", "soak: 1m")
		defer s.edit(t, "environments/staging.yaml", "soak: 1m", "soak: 0s")
		s.interrupt(t, 130, "staging: soak …", "stage", "late.yaml")
		staging()
	})
	t.Run("production", s.interruptedInProduction)
	t.Run("cluster", func(t *testing.T) {
		content, err := os.ReadFile(s.path("environments/staging.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		s.write(t, "cut/cut.yaml", strings.NewReplacer("name: staging", "name: cut", "clusterName: e2e-staging", "clusterName: e2e-cut",
			"base: ", "# ", "checks: ", "# ").Replace(string(content)))
		s.interrupt(t, 130, "creating kind cluster", "env", "up", "--cluster-name", "e2e-cut", "--environments", "cut")
		if left := engine(t, nil, "ps", "--all", "--quiet", "--filter", "label=io.x-k8s.kind.cluster=stagegate-e2e-cut"); left != "" {
			t.Errorf("containers are left: %s", left)
		}
	})
}

// interruptedInProduction interrupts a change that staging has passed: what was applied is
// taken back, which the exit code tells.
func (s *site) interruptedInProduction(t *testing.T) {
	s.write(t, "note.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: note, namespace: cart}}\n")
	run := s.result(t, 0, "stage", "note.yaml").RunID
	production := s.untouched(t, "production")
	for _, test := range []struct {
		at   string
		exit int
	}{
		{"production: plan …", 130},
		{"production: baseline …", 130},
		{"production: apply …", 5},
		{"production: verify …", 5},
	} {
		t.Run(test.at, func(t *testing.T) {
			s.interrupt(t, test.exit, test.at, "promote", "note.yaml")
			production()
		})
	}
	s.run(t, 0, "rollback", run, "--cluster-name", "e2e-staging")
}

// twentyObjects measures a whole run on staging: 20 objects, and at least 100 edges.
func (s *site) twentyObjects(t *testing.T) {
	staging := s.untouched(t, "staging")
	s.edit(t, "environments/checks.yaml", "services: namespace", "services: all")
	defer s.edit(t, "environments/checks.yaml", "services: all", "services: namespace")
	change := "apiVersion: v1\nkind: Namespace\nmetadata: {name: bulk}\n---\n" +
		strings.NewReplacer("name: stuck, namespace: cart", "name: bulk, namespace: bulk", "stuck", "bulk", "/nothing-here", "/readyz").Replace(neverReadyChange)
	for i := range 18 {
		change += fmt.Sprintf("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: bulk-%d, namespace: bulk}\ndata: {number: \"%d\"}\n", i, i)
	}
	s.write(t, "bulk.yaml", change)
	r := s.result(t, 0, "stage", "bulk.yaml")
	e := environment(t, r, "staging")
	if len(e.Plan.Items) != 20 || len(e.After.Edges) < 100 {
		t.Errorf("%d objects and %d edges: want 20 and at least 100", len(e.Plan.Items), len(e.After.Edges))
	}
	var own time.Duration
	for _, step := range e.Steps {
		if step.Name == "apply" {
			own = step.Duration
		}
	}
	measured(t, fmt.Sprintf("a run on staging, 20 objects and %d edges (beside it: its apply step with the workload's start)", len(e.After.Edges)), r.Duration, own, 15*time.Second+own)
	s.run(t, 0, "rollback", r.RunID, "--cluster-name", "e2e-staging")
	staging()
}

// interruption changes a Deployment whose pods are all stopped before new ones start.
func (s *site) interruption(t *testing.T) {
	staging := s.untouched(t, "staging")
	platform, err := os.ReadFile(s.path("environments/base/platform.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var change string
	for document := range strings.SplitSeq(string(platform), "\n---\n") {
		if strings.Contains(document, "kind: Deployment\nmetadata: {name: api, namespace: catalog}") {
			change = strings.Replace(document, "spec:\n  replicas: 2", "spec:\n  strategy: {rollingUpdate: {maxUnavailable: 100%, maxSurge: 0}}\n  replicas: 2", 1)
			change = strings.Replace(change, "metadata: {labels: {app: api}}", "metadata: {labels: {app: api}, annotations: {restarted: now}}", 1)
			change = strings.Replace(change, "periodSeconds: 1", "initialDelaySeconds: 3, periodSeconds: 1", 1) // long enough for every vantage to see it
		}
	}
	s.write(t, "restart.yaml", change)
	const edge = "ingress/catalog/api -> service/catalog/api:9898/TCP"
	s.edit(t, "environments/staging.yaml", "# maxInterruption: 30s", "maxInterruption: 100ms")
	e := environment(t, s.result(t, 3, "stage", "restart.yaml"), "staging")
	restored(t, e)
	if f := e.Decision.Findings[0]; f.Rule != gate.RuleInterruption || f.Edge == nil || f.Verdict != gate.Blocked {
		t.Errorf("the first finding is not the interruption: %+v", f)
	}
	staging()
	s.edit(t, "environments/staging.yaml", "maxInterruption: 100ms", "maxInterruption: 2m")
	r := s.result(t, 0, "stage", "restart.yaml")
	found := false
	for _, i := range environment(t, r, "staging").Interruptions {
		t.Logf("%s: down for %s, healed %v", i.Edge, i.Duration, i.Healed)
		found = found || i.Edge.String() == edge && i.Healed && i.Duration > 100*time.Millisecond && i.Duration < time.Minute
	}
	if !found {
		t.Errorf("no interruption of %s that healed", edge)
	}
	s.edit(t, "environments/staging.yaml", "maxInterruption: 2m", "# maxInterruption: 30s")
	s.run(t, 0, "rollback", r.RunID, "--cluster-name", "e2e-staging")
	staging()
}

const localImage = "stagegate-e2e/built-here:dev"

// localImages has images that no registry has: the program's own probe under other names.
func (s *site) localImages(t *testing.T) {
	for _, image := range []string{localImage, "stagegate-e2e/named:dev"} {
		s.write(t, "image/Dockerfile", "FROM scratch\nCOPY stagegate-probe /stagegate-probe\nUSER 65532\n")
		if err := os.Link(filepath.Join(s.dir, "bin", "stagegate-probe"), s.path("image/stagegate-probe")); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
		engine(t, nil, "build", "--quiet", "--tag", image, s.path("image"))
		t.Cleanup(func() { engine(t, nil, "image", "rm", image) })
	}
	s.write(t, "local.yaml", fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: local, namespace: cart}
spec:
  selector: {matchLabels: {app: local}}
  template:
    metadata: {labels: {app: local}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: local, image: %q, command: [/stagegate-probe, serve, "8080"], readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}}]
`, localImage))
	staging := s.untouched(t, "staging")
	r := s.result(t, 0, "stage", "local.yaml", "--load-image", "stagegate-e2e/named:dev")
	images := engine(t, nil, "exec", "stagegate-e2e-staging-control-plane", "ctr", "--namespace=k8s.io", "images", "ls", "--quiet")
	for _, want := range []string{"stagegate-e2e/built-here", "stagegate-e2e/named"} {
		if !strings.Contains(images, want) {
			t.Errorf("the node does not have %s:\n%s", want, images)
		}
	}
	s.run(t, 0, "rollback", r.RunID, "--cluster-name", "e2e-staging")
	staging()
	out := s.run(t, 1, "stage", "local.yaml", "--load-image", "stagegate-e2e/not-built:dev")
	if !strings.Contains(out, "stagegate-e2e/not-built:dev") || !strings.Contains(out, "pull or build the image first") {
		t.Errorf("the missing image is not explained:\n%s", out)
	}
	staging()
}

var chartName = regexp.MustCompile(`^(podinfo|traefik)-.*\.tgz$`)

// charts promotes the real charts of Traefik and podinfo, and takes them back.
func (s *site) charts(t *testing.T) {
	dir := os.Getenv(chartsVariable)
	if dir == "" {
		t.Fatalf("set %s to a directory with the charts of podinfo and traefik (podinfo-*.tgz, traefik-*.tgz)", chartsVariable)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	charts := map[string]string{}
	for _, e := range entries {
		if m := chartName.FindStringSubmatch(e.Name()); m != nil {
			charts[m[1]] = filepath.Join(dir, e.Name())
		}
	}
	if len(charts) != 2 {
		t.Fatalf("%s has not both charts, podinfo-*.tgz and traefik-*.tgz", dir)
	}
	for name, chart := range charts {
		s.copy(t, chart, "charts/"+name+".tgz")
	}
	s.podinfoWithCLI(t)
	s.write(t, "charts/change.yaml", chartsChange)
	s.write(t, "charts/traefik.yaml", traefikValues)
	s.write(t, "charts/podinfo.yaml", podinfoValues)
	checks := map[string]func(){"staging": s.untouched(t, "staging"), "production": s.untouched(t, "production")}
	r := s.result(t, 0, "promote", "charts/change.yaml")
	for _, name := range []string{"staging", "production"} {
		e := environment(t, r, name)
		reached := false
		for _, a := range e.After.Edges {
			reached = reached || a.Edge.String() == "external -> ingress/chart-app/podinfo (charts.example/)" && a.Outcome == reach.Reachable
		}
		if !reached {
			t.Errorf("%s: the chart's Ingress is not reachable through the chart's controller: %+v", name, e.After.Edges)
		}
	}
	for _, name := range []string{"production", "staging"} {
		s.run(t, 0, "rollback", r.RunID, "--cluster-name", "e2e-"+name)
		checks[name]()
	}
}

const podinfoImage = "ghcr.io/stefanprodan/podinfo:6.9.2"

// podinfoWithCLI builds an image of the node's podinfo with the command that its chart
// probes with. It exists on this machine alone, so the program has to carry it into nodes.
func (s *site) podinfoWithCLI(t *testing.T) {
	t.Helper()
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", s.path("podinfo/podcli"), "./testdata/podcli")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building podcli: %v\n%s", err, out)
	}
	archive := "/root/podinfo.tar" // not /tmp, which "docker cp" does not see
	node := "stagegate-e2e-staging-control-plane"
	engine(t, nil, "exec", node, "ctr", "--namespace=k8s.io", "images", "export", "--platform", "linux/"+runtime.GOARCH, archive, podinfoImage)
	engine(t, nil, "cp", node+":"+archive, s.path("podinfo/podinfo.tar"))
	if exec.Command("docker", "image", "inspect", podinfoImage).Run() != nil { // not here before, so not here afterwards
		t.Cleanup(func() { engine(t, nil, "image", "rm", podinfoImage) })
	}
	engine(t, nil, "load", "--quiet", "--input", s.path("podinfo/podinfo.tar"))
	s.write(t, "podinfo/Dockerfile", "FROM "+podinfoImage+"\nCOPY podcli /usr/local/bin/podcli\n")
	engine(t, nil, "build", "--quiet", "--tag", "stagegate-e2e/podinfo:6.9.2", s.path("podinfo"))
	t.Cleanup(func() { engine(t, nil, "image", "rm", "stagegate-e2e/podinfo:6.9.2") })
}

func (p *program) copy(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, to, string(content))
}

const chartsChange = `apiVersion: stagegate.dev/v1alpha1
kind: Change
metadata: {name: charts}
spec:
  parts:
  - helm: {chart: traefik.tgz, release: edge, namespace: chart-edge, values: [traefik.yaml]}
  - helm: {chart: podinfo.tgz, release: podinfo, namespace: chart-app, values: [podinfo.yaml]}
`

const traefikValues = `image: {tag: v3.6.7, pullPolicy: IfNotPresent}
ingressClass: {name: edge, isDefaultClass: false}
providers: {kubernetesIngress: {ingressClass: edge, publishedService: {enabled: false}}}
service: {spec: {type: NodePort}}
global: {checkNewVersion: false, sendAnonymousUsage: false}
`

const podinfoValues = `image: {repository: stagegate-e2e/podinfo, tag: 6.9.2, pullPolicy: IfNotPresent}
ingress: {enabled: true, className: edge, hosts: [{host: charts.example, paths: [{path: /, pathType: Prefix}]}]}
`
