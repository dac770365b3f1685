package embedded_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/stagegate/stagegate/internal/cluster/embedded/embeddedtest"
)

// world is a namespace of the shared cluster.
type world struct {
	t         *testing.T
	client    kubernetes.Interface
	dynamic   dynamic.Interface
	namespace string
}

func newWorld(t *testing.T) world {
	t.Helper()
	c := embeddedtest.Shared(t)
	client, err := kubernetes.NewForConfig(c.REST)
	if err != nil {
		t.Fatal(err)
	}
	dynamicClient, err := dynamic.NewForConfig(c.REST)
	if err != nil {
		t.Fatal(err)
	}
	namespace, err := client.CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return world{t, client, dynamicClient, namespace.Name}
}

// apply creates an object from "apiVersion/plural" and YAML.
func (w world) apply(resource, document string) error {
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(document), object); err != nil {
		return err
	}
	version, plural := resource[:strings.LastIndex(resource, "/")], resource[strings.LastIndex(resource, "/")+1:]
	gv, err := schema.ParseGroupVersion(version)
	if err != nil {
		return err
	}
	object.SetAPIVersion(version)
	client := w.dynamic.Resource(gv.WithResource(plural))
	if strings.HasSuffix(plural, "configurations") {
		_, err = client.Create(w.t.Context(), object, metav1.CreateOptions{})
		return err
	}
	_, err = client.Namespace(w.namespace).Create(w.t.Context(), object, metav1.CreateOptions{})
	return err
}

func (w world) must(resource, document string) {
	w.t.Helper()
	if err := w.apply(resource, document); err != nil {
		w.t.Fatal(err)
	}
}

// pods waits until check accepts the pods with the label app.
func (w world) pods(app string, check func([]corev1.Pod) error) {
	w.t.Helper()
	w.eventually("pods of "+app, func(ctx context.Context) error {
		list, err := w.client.CoreV1().Pods(w.namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=" + app})
		if err != nil {
			return err
		}
		return check(list.Items)
	})
}

func (w world) eventually(what string, done func(context.Context) error) {
	w.t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(w.t.Context(), 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		last = done(ctx)
		return last == nil, nil
	})
	if err != nil {
		w.t.Fatalf("%s: %v: %v", what, err, last)
	}
}

func podReady(pod corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

const template = `metadata: {labels: {app: %[1]s}, annotations: {stagegate.dev/simulate: "%[2]s"}}
    spec: {hostNetwork: %[3]v, containers: [{name: c, image: c}]}`

func workload(kind, app, simulate string, hostNetwork bool) string {
	return fmt.Sprintf("kind: %s\nmetadata: {name: %s}\nspec:\n  selector: {matchLabels: {app: %[2]s}}\n  template:\n    ", kind, app) +
		fmt.Sprintf(template, app, simulate, hostNetwork)
}

func TestDaemonSetHasAPodOnEachNode(t *testing.T) {
	w := newWorld(t)
	w.must("apps/v1/daemonsets", workload("DaemonSet", "agent", "", true))
	w.pods("agent", func(pods []corev1.Pod) error {
		addresses := map[string]string{}
		for _, pod := range pods {
			if !podReady(pod) {
				return fmt.Errorf("%s is not ready", pod.Name)
			}
			addresses[pod.Spec.NodeName] = pod.Status.PodIP
		}
		want := map[string]string{"node-1": "172.18.0.2", "node-2": "172.18.0.3", "node-3": "172.18.0.4"}
		if fmt.Sprint(addresses) != fmt.Sprint(want) {
			return fmt.Errorf("host-network pods have %v; want %v", addresses, want)
		}
		return nil
	})
}

func TestSimulatedFailures(t *testing.T) {
	w := newWorld(t)
	for simulate, waiting := range map[string]string{
		"not-ready": "", "crash-loop": "CrashLoopBackOff", "image-pull-back-off": "ImagePullBackOff",
	} {
		t.Run(simulate, func(t *testing.T) {
			w.must("apps/v1/deployments", workload("Deployment", simulate, simulate, false))
			w.pods(simulate, func(pods []corev1.Pod) error {
				if len(pods) != 1 || len(pods[0].Status.ContainerStatuses) == 0 {
					return fmt.Errorf("pods are %d; want 1 with a status", len(pods))
				}
				if podReady(pods[0]) {
					t.Fatal("the pod is ready")
				}
				state := pods[0].Status.ContainerStatuses[0].State
				if waiting == "" && state.Running == nil || waiting != "" && (state.Waiting == nil || state.Waiting.Reason != waiting) {
					return fmt.Errorf("state is %+v; want %q", state, waiting)
				}
				return nil
			})
		})
	}
	t.Run("failed", func(*testing.T) {
		w.must("batch/v1/jobs", `{kind: Job, metadata: {name: bad}, spec: {backoffLimit: 0, template: {
			metadata: {annotations: {stagegate.dev/simulate: failed}},
			spec: {restartPolicy: Never, containers: [{name: c, image: c}]}}}}`)
		w.eventually("Job bad fails", func(ctx context.Context) error {
			job, err := w.client.BatchV1().Jobs(w.namespace).Get(ctx, "bad", metav1.GetOptions{})
			if err == nil && job.Status.Failed != 1 {
				err = fmt.Errorf("status is %+v", job.Status)
			}
			return err
		})
	})
}

func TestStatefulSetGetsVolumes(t *testing.T) {
	w := newWorld(t)
	w.must("apps/v1/statefulsets", workload("StatefulSet", "db", "", false)+`
  serviceName: db
  replicas: 2
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}`)
	w.pods("db", func(pods []corev1.Pod) error {
		if len(pods) != 2 || !podReady(pods[0]) || !podReady(pods[1]) {
			return fmt.Errorf("%d pods, not all ready", len(pods))
		}
		return nil
	})
	claim, err := w.client.CoreV1().PersistentVolumeClaims(w.namespace).Get(t.Context(), "data-db-0", metav1.GetOptions{})
	if err != nil || claim.Status.Phase != corev1.ClaimBound {
		t.Fatalf("claim = %+v, %v; want bound", claim.Status, err)
	}
	if err := w.client.CoreV1().Namespaces().Delete(t.Context(), w.namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.eventually("its volume goes with the claim", func(ctx context.Context) error {
		if _, err := w.client.CoreV1().PersistentVolumes().Get(ctx, claim.Spec.VolumeName, metav1.GetOptions{}); err != nil {
			return nil
		}
		return fmt.Errorf("%s is still there", claim.Spec.VolumeName)
	})
}

func TestUnschedulablePodSaysWhy(t *testing.T) {
	w := newWorld(t)
	w.must("v1/pods", `{kind: Pod, metadata: {name: picky, labels: {app: picky}}, spec: {
		nodeSelector: {disk: none}, containers: [{name: c, image: c}]}}`)
	w.pods("picky", func(pods []corev1.Pod) error {
		for _, condition := range pods[0].Status.Conditions {
			if condition.Type == corev1.PodScheduled && condition.Reason == corev1.PodReasonUnschedulable {
				return nil
			}
		}
		return fmt.Errorf("conditions are %+v", pods[0].Status.Conditions)
	})
}

func TestLoadBalancersGetDifferentAddresses(t *testing.T) {
	w := newWorld(t)
	seen := map[string]bool{}
	for _, name := range []string{"one", "two"} {
		w.must("v1/services", fmt.Sprintf(`{kind: Service, metadata: {name: %s}, spec: {type: LoadBalancer, ports: [{port: 80}]}}`, name))
		w.eventually("Service "+name+" has an address", func(ctx context.Context) error {
			service, err := w.client.CoreV1().Services(w.namespace).Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			ingress := service.Status.LoadBalancer.Ingress
			if len(ingress) == 0 {
				return fmt.Errorf("status is %+v", service.Status)
			}
			address, err := netip.ParseAddr(ingress[0].IP)
			if err != nil || !netip.MustParsePrefix("203.0.113.0/24").Contains(address) || seen[ingress[0].IP] {
				t.Fatalf("address %q, %v; want one of the pool that is not taken", ingress[0].IP, err)
			}
			seen[ingress[0].IP] = true
			return nil
		})
	}
}

// TestWebhooks: one by Service is refused at once and says why, one by URL is connected to.
func TestWebhooks(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	for name, client := range map[string]string{
		"service": "service: {name: hook, namespace: " + w.namespace + "}",
		"url":     "url: " + strings.Replace(server.URL, "127.0.0.1", "localhost", 1) + "/hook",
	} {
		w.must("admissionregistration.k8s.io/v1/validatingwebhookconfigurations", fmt.Sprintf(`
kind: ValidatingWebhookConfiguration
metadata: {name: %[1]s-%[2]s}
webhooks:
- name: %[1]s.stagegate.dev
  clientConfig: {%[3]s}
  sideEffects: None
  admissionReviewVersions: [v1]
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[2]s}}
  objectSelector: {matchLabels: {hook: %[1]s}}
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]`, name, w.namespace, client))
		t.Cleanup(func() {
			err := w.client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Delete(
				context.WithoutCancel(t.Context()), name+"-"+w.namespace, metav1.DeleteOptions{})
			if err != nil {
				t.Error(err)
			}
		})
	}
	w.must("v1/services", `{kind: Service, metadata: {name: hook}, spec: {ports: [{port: 443}]}}`)
	w.eventually("the webhook by Service refuses", func(context.Context) error {
		err := w.apply("v1/configmaps", `{kind: ConfigMap, metadata: {generateName: a-, labels: {hook: service}}}`)
		if err == nil || !strings.Contains(err.Error(), "simulated and serve nothing") {
			return fmt.Errorf("creating = %v; want it refused because pods are simulated", err) //nolint:errorlint // it may be nil
		}
		return nil
	})
	w.eventually("the webhook by URL is connected to", func(context.Context) error {
		// Its certificate is not trusted, so that the handler is never reached; the error
		// tells that the connection was made.
		err := w.apply("v1/configmaps", `{kind: ConfigMap, metadata: {generateName: b-, labels: {hook: url}}}`)
		if err == nil || !strings.Contains(err.Error(), "certificate") {
			return fmt.Errorf("creating = %v; want the certificate refused", err) //nolint:errorlint // it may be nil
		}
		return nil
	})
}
