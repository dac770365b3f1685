package live

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/stagegate/stagegate/internal/reach/topology"
)

// A container that its node failed to start is made once more, and one that fails again
// says how it ended.
func TestPodsThatEndAtTheirStart(t *testing.T) {
	for name, test := range map[string]struct {
		failures int
		pods     int
		want     string
	}{
		"none fails":  {0, 1, ""},
		"one fails":   {1, 2, ""},
		"both do":     {2, 2, "the probe pod shop/probe-2 cannot run: its program has ended: exit code 128 StartError no such cgroup"},
		"all of many": {9, 2, "the probe pod shop/probe-2 cannot run: its program has ended: exit code 128 StartError no such cgroup"},
	} {
		t.Run(name, func(t *testing.T) {
			like := &topology.Pod{Namespace: "shop", Name: "web", Node: "n1", Workload: "deployment/shop/web", Labels: map[string]string{"app": "web"}}
			clients, made := fake.NewClientset(), 0
			clients.PrependReactor("create", "pods", func(a clienttesting.Action) (bool, runtime.Object, error) {
				pod := a.(clienttesting.CreateAction).GetObject().(*corev1.Pod)
				made++
				pod.Name = fmt.Sprintf("probe-%d", made)
				running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}
				if made <= test.failures {
					pod.Status.Phase = corev1.PodFailed
					running = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 128, Reason: "StartError", Message: "no such cgroup"}}
				}
				pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: container, Ready: true, State: running}}
				return false, nil, nil
			})
			var shown []string
			p := &Prober{clients: clients, pods: map[string]*probePod{}, options: Options{
				RunID: "run-1", Progress: func(format string, args ...any) { shown = append(shown, fmt.Sprintf(format, args...)) },
			}.withDefaults()}
			v := vantage{like: like, node: "n1"}
			nodes := nodeSet{pods: map[string]*corev1.Pod{"shop/web": {ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", Labels: like.Labels}}}}
			if err := p.ensurePods(t.Context(), map[string]vantage{v.key(): v}, nodes); err != nil {
				t.Fatal(err)
			}
			got := p.pods[v.key()]
			if made != test.pods || (got.err == nil) != (test.want == "") || got.err != nil && got.err.Error() != test.want {
				t.Errorf("%d pods made, error %v; want %d and %q", made, got.err, test.pods, test.want)
			}
			if test.want != "" && !slices.ContainsFunc(shown, func(s string) bool { return strings.Contains(s, "StartError") }) {
				t.Errorf("it is not shown: %q", shown)
			}
		})
	}
}
