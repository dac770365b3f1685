package live

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	coordination "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
	clienttesting "k8s.io/client-go/testing"

	"github.com/stagegate/stagegate/internal/reach"
)

func podWith(change func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{Status: corev1.PodStatus{
		Phase: corev1.PodRunning,
		ContainerStatuses: []corev1.ContainerStatus{
			{Name: "istio-proxy", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "PodInitializing"}}},
			{Name: container, Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}},
		},
	}}
	change(pod)
	return pod
}

func nodeWith(name string, ready corev1.ConditionStatus) corev1.Node {
	return corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Status: corev1.NodeStatus{
			Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready}},
			Addresses:  []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "10.0.0.1"}, {Type: corev1.NodeHostName, Address: name}},
		},
	}
}

// The positive control must fail for every way in which a probe can be broken.
func TestDistrust(t *testing.T) {
	nodes := nodeSet{nodes: []corev1.Node{nodeWith("n1", corev1.ConditionTrue), nodeWith("n2", corev1.ConditionUnknown)}}
	running := podWith(func(*corev1.Pod) {})
	cut := podWith(func(p *corev1.Pod) { p.Status.ContainerStatuses[1].Ready = false })
	evicted := podWith(func(p *corev1.Pod) { p.Status.Phase, p.Status.Reason = corev1.PodFailed, "Evicted" })
	deleted := podWith(func(p *corev1.Pod) { p.DeletionTimestamp = new(metav1.Now()) })
	tests := []struct {
		name  string
		pod   probePod
		state *corev1.Pod
		want  string
	}{
		{"works", probePod{name: "p", node: "n1"}, running, ""},
		{"its network is broken", probePod{name: "p", node: "n1"}, cut, "its own node cannot reach it"},
		{"evicted", probePod{name: "p", node: "n1"}, evicted, "does not run"},
		{"deleted", probePod{name: "p", node: "n1"}, deleted, "does not run"},
		{"gone", probePod{name: "p", node: "n1"}, nil, "does not run"},
		{"never made", probePod{err: errTest}, nil, errTest.Error()},
		{"host network", probePod{name: "p", node: "n1", hostNetwork: true}, cut, ""},
		{"host network of a lost node", probePod{name: "p", node: "n2", hostNetwork: true}, cut, "n2 is not ready"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			states := map[string]state{}
			if test.state != nil {
				states[test.pod.id()] = stateOf(test.state, container, test.state.Status.ContainerStatuses)
			}
			got := distrust(test.pod, states, nodes)
			if got == "" != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("got %q; want %q", got, test.want)
			}
		})
	}
}

func TestSettle(t *testing.T) {
	waiting := func(reason string) *corev1.Pod {
		return podWith(func(p *corev1.Pod) {
			p.Status.ContainerStatuses[1].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "why"}}
		})
	}
	tests := []struct {
		name string
		pod  *corev1.Pod
		late bool
		wait bool
		err  string
	}{
		{"runs", podWith(func(*corev1.Pod) {}), false, false, ""},
		{"runs, control not yet passed", podWith(func(p *corev1.Pod) { p.Status.ContainerStatuses[1].Ready = false }), false, false, ""},
		{"starting", waiting("ContainerCreating"), false, true, ""},
		{"starting for too long", waiting("ContainerCreating"), true, false, "does not start in time"},
		{"image missing", waiting("ImagePullBackOff"), false, false, "ImagePullBackOff why"},
		{"not admitted", podWith(func(p *corev1.Pod) { p.Status.Phase, p.Status.Reason = corev1.PodFailed, "OutOfcpu" }), false, false, "OutOfcpu"},
		{"removed", nil, false, false, "removed by somebody else"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			states := map[string]state{}
			if test.pod != nil {
				states[(probePod{name: "p"}).id()] = stateOf(test.pod, container, test.pod.Status.ContainerStatuses)
			}
			pod := &probePod{name: "p"}
			if wait := pod.settle(states, test.late); wait != test.wait {
				t.Errorf("wait: %v", wait)
			}
			if (pod.err != nil) != (test.err != "") || pod.err != nil && !strings.Contains(pod.err.Error(), test.err) {
				t.Errorf("error: %v", pod.err)
			}
		})
	}
}

func TestExpired(t *testing.T) {
	now := time.Now()
	lease := func(renewed time.Duration) coordination.Lease {
		return coordination.Lease{Spec: coordination.LeaseSpec{
			RenewTime: new(metav1.NewMicroTime(now.Add(-renewed))), LeaseDurationSeconds: new(int32(120)),
		}}
	}
	if expired(lease(time.Minute), now) || !expired(lease(3*time.Minute), now) || !expired(coordination.Lease{}, now) {
		t.Error("leases of live runs are not told from those of dead ones")
	}
}

func TestNodes(t *testing.T) {
	tainted := nodeWith("n3", corev1.ConditionTrue)
	tainted.Spec.Taints = []corev1.Taint{{Key: "dedicated", Effect: corev1.TaintEffectNoSchedule}}
	zoned := nodeWith("n4", corev1.ConditionTrue)
	zoned.Labels = map[string]string{"zone": "a"}
	p := testPlanner(t)
	pod := &corev1.Pod{}
	p.nodes = nodeSet{
		nodes: []corev1.Node{nodeWith("n1", corev1.ConditionTrue), nodeWith("n2", corev1.ConditionFalse), tainted, zoned},
		pods:  map[string]*corev1.Pod{"shop/web-1": pod},
	}
	fitting := func() string { return strings.Join(p.nodes.fitting(p.topo.Pods[0]), " ") }
	if got := fitting(); got != "n1 n4" {
		t.Errorf("any: %s", got)
	}
	pod.Spec.NodeSelector = map[string]string{"zone": "a"}
	if got := fitting(); got != "n4" {
		t.Errorf("selected: %s", got)
	}
	pod.Spec.NodeSelector, pod.Spec.Tolerations = nil, []corev1.Toleration{{Key: "dedicated", Operator: corev1.TolerationOpExists}}
	if got := fitting(); got != "n1 n3 n4" {
		t.Errorf("tolerating: %s", got)
	}
	if got := p.nodes.addressesFor(nil); len(got) != 3 || got[0] != "10.0.0.1" {
		t.Errorf("addresses of ready nodes: %v", got)
	}
}

func TestEphemeralState(t *testing.T) {
	asked := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{}}}
	pod := podWith(func(p *corev1.Pod) {
		p.Spec.Containers = []corev1.Container{{Name: "sidecar"}, {Name: "app", ReadinessProbe: asked}}
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.ContainersReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now()}}
	})
	if s := ephemeralState(pod, "probe-run"); s.running || s.waiting == "" {
		t.Errorf("not started: %+v", s)
	}
	pod.Status.EphemeralContainerStatuses = []corev1.ContainerStatus{{Name: "probe-run", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
	if s := ephemeralState(pod, "probe-run"); !s.running || s.doubt != "" {
		t.Errorf("running: %+v", s)
	}
	asked.HTTPGet, asked.Exec = nil, &corev1.ExecAction{}
	if s := ephemeralState(pod, "probe-run"); !s.running || !strings.Contains(s.doubt, "no readiness probe over") {
		t.Errorf("in a pod that is ready whatever its network does: %+v", s)
	}
	asked.TCPSocket = &corev1.TCPSocketAction{}
	pod.Status.Conditions[0].Status = corev1.ConditionFalse
	if s := ephemeralState(pod, "probe-run"); !s.running || !strings.Contains(s.doubt, "not ready") {
		t.Errorf("in a pod that is not ready: %+v", s)
	}
	pod.Status.EphemeralContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}
	if s := ephemeralState(pod, "probe-run"); s.running || s.problem == "" {
		t.Errorf("ended: %+v", s)
	}
}

func TestForbiddenPodsNameTheWayOut(t *testing.T) {
	p := testPlanner(t)
	clients := fake.NewClientset()
	clients.PrependReactor("create", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(corev1.Resource("pods"), "probe", errTest)
	})
	p.clients = clients
	like := p.topo.Pods[0]
	made := p.make(t.Context(), vantage{like: like, node: "n1"}, nodeSet{pods: map[string]*corev1.Pod{"shop/web-1": {}}})
	if made.err == nil || !strings.Contains(made.err.Error(), "spec.probes.ephemeral") {
		t.Errorf("got %v", made.err)
	}
}

// A run that makes its lease and its pods while another looks for what dead runs left is alive.
func TestSweepSparesARunThatStarts(t *testing.T) {
	labelled := metav1.ObjectMeta{Namespace: "shop", Name: "p", Labels: map[string]string{reach.ProbeLabel: "run-b"}}
	clients := fake.NewClientset()
	var once sync.Once
	starts := func(action clienttesting.Action) (bool, runtime.Object, error) {
		result, err := clients.Tracker().List(action.GetResource(), action.(clienttesting.ListActionImpl).GetKind(), "")
		once.Do(func() {
			lease := &coordination.Lease{ObjectMeta: labelled, Spec: coordination.LeaseSpec{
				RenewTime: new(metav1.NowMicro()), LeaseDurationSeconds: new(int32(leaseSeconds)),
			}}
			if err := errors.Join(clients.Tracker().Add(lease), clients.Tracker().Add(&corev1.Pod{ObjectMeta: labelled})); err != nil {
				t.Error(err)
			}
		})
		return true, result, err
	}
	clients.PrependReactor("list", "pods", starts)
	clients.PrependReactor("list", "leases", starts)
	p := &Prober{
		clients: clients, options: Options{RunID: "run-a"}.withDefaults(),
		clock: func(context.Context) (time.Time, error) { return time.Now(), nil },
	}
	if err := p.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, err := clients.CoreV1().Pods("shop").Get(t.Context(), "p", metav1.GetOptions{}); err != nil {
		t.Errorf("its pod is gone: %v, %v", left, err)
	}
}

// Clocks of machines differ; what the API server wrote down counts.
func TestServerClock(t *testing.T) {
	now := time.Now()
	lease := coordination.Lease{Spec: coordination.LeaseSpec{RenewTime: new(metav1.NewMicroTime(now.Add(-time.Hour))), LeaseDurationSeconds: new(int32(120))}}
	lease.ManagedFields = []metav1.ManagedFieldsEntry{{Time: new(metav1.NewTime(now.Add(-time.Minute)))}}
	if expired(lease, now) {
		t.Error("the clock of another machine ended its run")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", "Mon, 02 Jan 2006 15:04:05 GMT")
	}))
	defer server.Close()
	config := &rest.Config{Host: server.URL}
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	got, err := (&Prober{config: config, clients: clients}).serverTime(t.Context())
	if want := time.Date(2006, 1, 2, 15, 4, 5, 0, time.UTC); err != nil || !got.Equal(want) {
		t.Errorf("got %s, %v", got, err)
	}
}
