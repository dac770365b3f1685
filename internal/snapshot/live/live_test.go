package live_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/stagegate/stagegate/internal/snapshot/live"
)

// server answers as an API server with core, apps and metrics APIs does.
type server struct {
	mu       sync.Mutex
	requests []string
	// answers override paths (with the continue token, if any).
	answers map[string]func(http.ResponseWriter)
}

func start(t *testing.T, answers map[string]func(http.ResponseWriter)) (*server, *rest.Config) {
	t.Helper()
	s := &server{answers: answers}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	return s, &rest.Config{Host: web.URL}
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := r.URL.Path
	if c := r.URL.Query().Get("continue"); c != "" {
		key += "?" + c
	}
	s.mu.Lock()
	s.requests = append(s.requests, key)
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if answer, ok := s.answers[key]; ok {
		answer(w)
		return
	}
	if answer, ok := basics()[key]; ok {
		answer(w)
		return
	}
	fail(404, metav1.StatusReasonNotFound)(w)
}

func basics() map[string]func(http.ResponseWriter) {
	apps := metav1.APIGroup{Name: "apps", Versions: []metav1.GroupVersionForDiscovery{{GroupVersion: "apps/v1", Version: "v1"}}}
	apps.PreferredVersion = apps.Versions[0]
	metrics := metav1.APIGroup{Name: "metrics.k8s.io", Versions: []metav1.GroupVersionForDiscovery{{GroupVersion: "metrics.k8s.io/v1", Version: "v1"}}}
	return map[string]func(http.ResponseWriter){
		"/version": body(map[string]string{"gitVersion": "v1.36.3"}),
		"/api":     body(metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}}),
		"/apis":    body(metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList"}, Groups: []metav1.APIGroup{apps, metrics}}),
		"/api/v1": body(metav1.APIResourceList{GroupVersion: "v1", APIResources: []metav1.APIResource{
			resource("pods", "Pod"), resource("pods/log", "Pod"), resource("secrets", "Secret"), resource("configmaps", "ConfigMap"),
		}}),
		"/apis/apps/v1":             body(metav1.APIResourceList{GroupVersion: "apps/v1", APIResources: []metav1.APIResource{resource("deployments", "Deployment")}}),
		"/apis/metrics.k8s.io/v1":   fail(503, metav1.StatusReasonServiceUnavailable),
		"/apis/apps/v1/deployments": body(list("apps/v1", "Deployment", "", "web")),
		"/api/v1/pods":              body(list("v1", "Pod", "two", "a", "b")),
		"/api/v1/pods?two":          body(list("v1", "Pod", "", "c")),
	}
}

func resource(name, kind string) metav1.APIResource {
	return metav1.APIResource{Name: name, Kind: kind, Namespaced: true, Verbs: []string{"list"}}
}

func list(apiVersion, kind, next string, names ...string) map[string]any {
	items := []any{}
	for _, name := range names {
		items = append(items, map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{
			"name": name, "namespace": "shop", "managedFields": []any{map[string]any{"manager": "kubectl"}},
		}})
	}
	return map[string]any{"apiVersion": apiVersion, "kind": kind + "List", "metadata": map[string]any{"continue": next}, "items": items}
}

func body(v any) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { _ = json.NewEncoder(w).Encode(v) }
}

func fail(code int, reason metav1.StatusReason) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: "Failure", Code: int32(code), Reason: reason, Message: string(reason)})
	}
}

func TestTakeListsWhatReachabilityDependsOn(t *testing.T) {
	s, config := start(t, nil)
	got, err := live.Take(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, o := range got.All() {
		keys = append(keys, o.GetKind()+" "+o.GetName())
		if len(o.GetManagedFields()) > 0 {
			t.Errorf("%s has managedFields", o.GetName())
		}
	}
	if diff := cmp.Diff([]string{"Pod a", "Pod b", "Pod c", "Deployment web"}, keys); diff != "" {
		t.Error(diff)
	}
	if got.Derived {
		t.Error("a live snapshot says what runs")
	}
	if slices.Contains(s.requests, "/api/v1/secrets") {
		t.Error("secrets were read")
	}
}

func TestTakeReadsAgainWhenPagesExpire(t *testing.T) {
	expired := fail(410, metav1.StatusReasonExpired)
	lists := 0
	_, config := start(t, map[string]func(http.ResponseWriter){
		"/api/v1/pods?two": expired,
		"/api/v1/pods": func(w http.ResponseWriter) {
			if lists++; lists == 1 {
				body(list("v1", "Pod", "two", "a", "b"))(w)
				return
			}
			body(list("v1", "Pod", "", "a", "b", "c"))(w)
		},
	})
	got, err := live.Take(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if got.Len() != 4 {
		t.Errorf("%d objects, want 4", got.Len())
	}
}

func TestTakeNeverReturnsAPart(t *testing.T) {
	tests := map[string]struct {
		path   string
		answer func(http.ResponseWriter)
		want   string
	}{
		"forbidden kind":    {"/api/v1/pods", fail(403, metav1.StatusReasonForbidden), "listing pods: Forbidden: it would not be whole; see that the credentials may list this everywhere"},
		"second page fails": {"/api/v1/pods?two", fail(500, metav1.StatusReasonInternalError), "listing pods: "},
		"discovery fails":   {"/apis/apps/v1", fail(503, metav1.StatusReasonServiceUnavailable), "asking the cluster for its APIs: apps/v1: "},
		"no groups":         {"/apis", fail(500, metav1.StatusReasonInternalError), "asking the cluster for its APIs: "},
		"nothing known":     {"/api/v1", body(metav1.APIResourceList{GroupVersion: "v1"}), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			answers := map[string]func(http.ResponseWriter){tt.path: tt.answer}
			if name == "nothing known" {
				answers["/apis/apps/v1"] = body(metav1.APIResourceList{GroupVersion: "apps/v1"})
				tt.want = "it has none that is known: is it a Kubernetes API server?"
			}
			_, config := start(t, answers)
			got, err := live.Take(t.Context(), config)
			if got != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestTakeEndsWithItsTimeOut(t *testing.T) {
	_, config := start(t, map[string]func(http.ResponseWriter){"/api/v1/pods": func(http.ResponseWriter) { time.Sleep(200 * time.Millisecond) }})
	config.Timeout = 50 * time.Millisecond
	if got, err := live.Take(t.Context(), config); err == nil {
		t.Errorf("got %d objects, want an error", got.Len())
	}
}

func TestTakeLeavesOutAnAPIThatIsGone(t *testing.T) {
	_, config := start(t, map[string]func(http.ResponseWriter){"/apis/apps/v1/deployments": fail(404, metav1.StatusReasonNotFound)})
	got, err := live.Take(t.Context(), config)
	if err != nil || got.Len() != 3 {
		t.Errorf("got %v, %v; want the three pods", got, err)
	}
}

func TestCapabilities(t *testing.T) {
	_, config := start(t, nil)
	version, apis, err := live.Capabilities(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"apps/v1", "apps/v1/Deployment", "v1", "v1/ConfigMap", "v1/Pod", "v1/Secret"}
	if diff := cmp.Diff(want, apis); diff != "" || version != "v1.36.3" {
		t.Errorf("version %s, APIs %s", version, diff)
	}
	_, config = start(t, map[string]func(http.ResponseWriter){"/version": fail(500, metav1.StatusReasonInternalError)})
	if _, _, err := live.Capabilities(t.Context(), config); err == nil {
		t.Error("no error without a version")
	}
}

// TestTakeFromCluster reads a real cluster, named by TEST_KUBECONFIG.
func TestTakeFromCluster(t *testing.T) {
	file := os.Getenv("TEST_KUBECONFIG")
	if file == "" {
		t.Skip("TEST_KUBECONFIG is not set")
	}
	config, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	s, err := live.Take(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d objects in %v", s.Len(), time.Since(began))
	for _, kind := range []string{"Namespace", "Node", "Pod", "Service"} {
		if len(s.Kind("", kind)) == 0 {
			t.Errorf("no %s", kind)
		}
	}
	version, apis, err := live.Capabilities(t.Context(), config)
	if err != nil || !strings.HasPrefix(version, "v1.") || !slices.Contains(apis, "apps/v1/Deployment") {
		t.Errorf("version %q, %d APIs, %v", version, len(apis), err)
	}
}
