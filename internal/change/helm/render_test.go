package helm_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/helm"
	"github.com/stagegate/stagegate/internal/change/validate"
	"github.com/stagegate/stagegate/internal/filetest"
	"github.com/stagegate/stagegate/internal/snapshot"
)

const shop = "testdata/shop"

var staging = change.Target{ClusterName: "staging", KubeVersion: "v1.37.2", APIVersions: []string{"v1", "apps/v1"}}

func load(t *testing.T, source change.Source) *helm.Part {
	t.Helper()
	p, err := helm.Loader{}.Load(context.Background(), source)
	if err != nil {
		t.Fatal(err)
	}
	return p.(*helm.Part)
}

func render(t *testing.T, source change.Source, target change.Target) []snapshot.Object {
	t.Helper()
	objects, err := load(t, source).Render(context.Background(), target)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func TestRender(t *testing.T) {
	objects := render(t, change.Source{Path: shop, Namespace: "shops"}, staging)
	var got []string
	for _, o := range objects {
		got = append(got, snapshot.KeyOf(o.Unstructured).String()+" "+o.Source)
	}
	want := []string{
		"CustomResourceDefinition.apiextensions.k8s.io orders.shop.example shop/crds/orders.yaml:2",
		"ServiceAccount shops/shop shop/templates/rbac.yaml",
		"Secret shops/session shop/templates/secret.yaml",
		"ClusterRole.rbac.authorization.k8s.io shop shop/templates/rbac.yaml",
		"Deployment.apps shops/shop shop/templates/deployment.yaml",
		"Order.shop.example first shop/templates/order.yaml",
		"Job.batch shops/migrate shop/templates/migrate.yaml",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("objects (-want +got):\n%s", d)
	}
}

// Who renders learns what was asked of a cluster.
func TestLookupIsNotAnswered(t *testing.T) {
	target, asked := staging, []string(nil)
	target.Unanswered = func(question string) { asked = append(asked, question) }
	render(t, change.Source{Path: shop, Namespace: "shops"}, target)
	if d := cmp.Diff([]string{`lookup v1 Secret "shops" "session"`}, asked); d != "" {
		t.Errorf("asked (-want +got):\n%s", d)
	}
}

// environment is the variables of the shop's container.
func environment(t *testing.T, objects []snapshot.Object) map[string]string {
	t.Helper()
	all, err := snapshot.New(objects...)
	if err != nil {
		t.Fatal(err)
	}
	deployments := all.Kind("apps", "Deployment")
	if len(deployments) != 1 {
		t.Fatalf("%d deployments, want 1", len(deployments))
	}
	containers, _, _ := unstructured.NestedSlice(deployments[0].Object, "spec", "template", "spec", "containers")
	out := map[string]string{}
	for _, e := range containers[0].(map[string]any)["env"].([]any) {
		entry := e.(map[string]any)
		out[entry["name"].(string)] = entry["value"].(string)
	}
	return out
}

func TestValuesOfTheTarget(t *testing.T) {
	target := staging
	target.Variables = map[string]any{"region": "eu-1", "greeting": "from the environment", "unknown": "not in the schema"}
	values := filepath.Join(t.TempDir(), "values.yaml")
	filetest.Write(t, values, "greeting: from the file\n")
	got := environment(t, render(t, change.Source{Path: shop, Values: []string{values}}, target))
	want := map[string]string{"CLUSTER": "staging", "REGION": "eu-1", "GREETING": "from the file", "KUBERNETES": "v1.37.2"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("environment (-want +got):\n%s", d)
	}
}

func TestCapabilitiesAreTheTargets(t *testing.T) {
	target := staging
	target.APIVersions = append(target.APIVersions, "monitoring.example/v1")
	all, err := snapshot.New(render(t, change.Source{Path: shop}, target)...)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := all.Get(snapshot.Key{Kind: "ConfigMap", Namespace: "default", Name: "monitored"}); !ok {
		t.Error("the object for monitoring.example/v1 is not rendered")
	}
}

func TestDependencyIsRenderedWhenEnabled(t *testing.T) {
	all, err := snapshot.New(render(t, change.Source{Path: shop, Set: []string{"cache.enabled=true", "cache.port=7000"}}, staging)...)
	if err != nil {
		t.Fatal(err)
	}
	service, ok := all.Get(snapshot.Key{Kind: "Service", Namespace: "default", Name: "shop-cache"})
	if !ok || service.Source != "shop/charts/cache/templates/service.yaml" {
		t.Fatalf("the cache's Service is missing, or its source is wrong: %v", service)
	}
	ports, _, _ := unstructured.NestedSlice(service.Object, "spec", "ports")
	if got := ports[0].(map[string]any)["port"]; got != int64(7000) {
		t.Errorf("port = %v, want 7000", got)
	}
}

func TestRenderTwiceIsEqual(t *testing.T) {
	p := load(t, change.Source{Path: shop, Set: []string{"cache.enabled=true"}})
	first, err := p.Render(context.Background(), staging)
	if err != nil {
		t.Fatal(err)
	}
	second, err := p.Render(context.Background(), staging)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(first, second); d != "" {
		t.Errorf("second rendering differs:\n%s", d)
	}
}

func TestReleaseIsOnesOwn(t *testing.T) {
	p := load(t, change.Source{Path: shop, Release: "web", Namespace: "shops", Set: []string{"cache.port=7000"}})
	r, err := p.Release(staging)
	if err != nil {
		t.Fatal(err)
	}
	if r.Name != "web" || r.Namespace != "shops" || r.Values["clusterName"] != "staging" {
		t.Errorf("release = %s/%s with %v", r.Namespace, r.Name, r.Values)
	}
	r.Values["cache"].(map[string]any)["port"] = 1
	r.Chart.Metadata.Name = "spoilt"
	again, err := p.Release(staging)
	if err != nil {
		t.Fatal(err)
	}
	if again.Chart.Name() != "shop" || again.Values["cache"].(map[string]any)["port"] != int64(7000) {
		t.Error("a change to one release shows in the next")
	}
}

// TestRealCharts renders the charts that real projects publish.
func TestRealCharts(t *testing.T) {
	dir := os.Getenv("STAGEGATE_TEST_CHARTS")
	if dir == "" {
		t.Skip("STAGEGATE_TEST_CHARTS does not name a directory with podinfo-6.9.2.tgz and traefik-41.3.0.tgz")
	}
	for chart, want := range map[string]string{"podinfo-6.9.2": "Deployment.apps web/podinfo", "traefik-41.3.0": "Deployment.apps web/traefik"} {
		t.Run(chart, func(t *testing.T) {
			target := staging
			target.Variables = map[string]any{"region": "eu-1"}
			objects := render(t, change.Source{Path: filepath.Join(dir, chart+".tgz"), Namespace: "web"}, target)
			var keys []string
			for _, o := range objects {
				keys = append(keys, snapshot.KeyOf(o.Unstructured).String())
			}
			if all := strings.Join(keys, "\n"); !strings.Contains(all, want) {
				t.Errorf("no %s among:\n%s", want, all)
			}
			for _, err := range validate.Objects(objects, nil) {
				t.Error(err)
			}
		})
	}
}
