package apply_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/apply/applytest"
	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/report"
)

const engine = `
apiVersion: v1
kind: Namespace
metadata: {name: apply-engine}
---` + refuseCRD + `
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: apply-engine}
rules: []
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: calico-node, namespace: apply-engine}
spec:
  selector: {matchLabels: {app: engine}}
  template:
    metadata: {labels: {app: engine}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: calico-node, image: "ghcr.io/stefanprodan/podinfo:6.9.2"}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: apply-engine}
spec: {podSelector: {}}
---
apiVersion: example.com/v1
kind: Bolt
metadata: {name: ours, namespace: apply-engine}
`

var bolts = schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "bolts"}

func TestRevertLetsThePolicyEngineCleanUp(t *testing.T) {
	c := applytest.Clients(t)
	b := apply.NewObjects(c, apply.Options{Settle: 300 * time.Millisecond})
	before := applytest.Dump(t, c)
	record := applied(t, b, applytest.Part{Title: "engine", Text: engine})
	// What the engine itself writes goes with it.
	_, err := c.Dynamic.Resource(bolts).Namespace("apply-engine").Patch(t.Context(), "felix", types.ApplyYAMLPatchType,
		[]byte(`{apiVersion: example.com/v1, kind: Bolt, metadata: {name: felix}, spec: {a: 1}}`), metav1.PatchOptions{FieldManager: "calico-node"})
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	outcome, err := b.Revert(t.Context(), record.Reload(t), func(e apply.Event) {
		if e.Step == apply.Noted {
			order = append(order, "settle")
		} else {
			order = append(order, e.Object.Kind)
		}
	})
	if err != nil || !outcome.Complete() {
		t.Errorf("revert: %+v, %v", outcome, err)
	}
	slices.Sort(order[:2])
	want := []string{"Bolt", "NetworkPolicy", "settle", "DaemonSet", "ClusterRole", "Namespace", "CustomResourceDefinition"}
	if !slices.Equal(order, want) {
		t.Errorf("order is %v, want %v", order, want)
	}
	applytest.Same(t, c, before)
}

const deny = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: globalnetworkpolicies.crd.projectcalico.org}
spec:
  group: crd.projectcalico.org
  scope: Cluster
  names: {kind: GlobalNetworkPolicy, listKind: GlobalNetworkPolicyList, plural: globalnetworkpolicies, singular: globalnetworkpolicy}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
---
apiVersion: crd.projectcalico.org/v1
kind: GlobalNetworkPolicy
metadata: {name: deny}
spec: {types: [Ingress]}
`

// A policy whose CRD came with the change does not wait for the garbage collector, which
// gets to know of the CRD up to half a minute later.
func TestRevertOfAPolicyIsQuick(t *testing.T) {
	c := applytest.Clients(t)
	b := apply.NewObjects(c, apply.Options{Settle: -1, DeleteTimeout: 2 * time.Second})
	before := applytest.Dump(t, c)
	applytest.Revert(t, b, applied(t, b, applytest.Part{Title: "deny", Text: deny}))
	applytest.Same(t, c, before)
}

// The CRDs are one part and the engine that writes such objects is another.
func TestPartsOfAChangeKnowEachOther(t *testing.T) {
	c := applytest.Clients(t)
	b := apply.NewObjects(c, apply.Options{Settle: 100 * time.Millisecond})
	before := applytest.Dump(t, c)
	text := strings.Replace(strings.Replace(engine, refuseCRD, "", 1), "rules: []",
		"rules: [{apiGroups: [example.com], resources: [bolts], verbs: [create]}]", 1)
	first := applied(t, b, applytest.Part{Title: "crds", Text: refuseCRD})
	second := applied(t, b, applytest.Part{Title: "engine", Text: text})
	_, err := c.Dynamic.Resource(bolts).Namespace("apply-engine").Patch(t.Context(), "felix", types.ApplyYAMLPatchType,
		[]byte(`{apiVersion: example.com/v1, kind: Bolt, metadata: {name: felix}, spec: {a: 1}}`), metav1.PatchOptions{FieldManager: "Go-http-client"})
	if err != nil {
		t.Fatal(err)
	}
	one, two := first.Reload(t), second.Reload(t)
	one.Relate(one, two)
	for _, record := range []*apply.Record{two, one} {
		if outcome, err := b.Revert(t.Context(), record, applytest.Log(t)); err != nil || !outcome.Complete() {
			t.Errorf("revert of %s: %+v, %v", record.Part, outcome, err)
		}
	}
	applytest.Same(t, c, before)
}

func TestRevertNeverDeletesWhatOthersCreated(t *testing.T) {
	c := applytest.Clients(t)
	b := apply.NewObjects(c, apply.Options{Settle: -1})
	before := applytest.Dump(t, c)
	record := applied(t, b, applytest.Part{Title: "engine", Text: engine})
	foreign := c.Dynamic.Resource(bolts).Namespace("apply-engine")
	_, err := foreign.Patch(t.Context(), "theirs", types.ApplyYAMLPatchType,
		[]byte(`{apiVersion: example.com/v1, kind: Bolt, metadata: {name: theirs}, spec: {a: 1}}`), metav1.PatchOptions{FieldManager: "kubectl"})
	if err != nil {
		t.Fatal(err)
	}
	outcome, err := b.Revert(t.Context(), record.Reload(t), applytest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	wantLeft(t, outcome.Left, "Namespace apply-engine", "Bolt apply-engine/theirs")
	wantLeft(t, outcome.Left, "CustomResourceDefinition.apiextensions.k8s.io bolts.example.com", "apply-engine/theirs")
	if len(outcome.Left) != 2 {
		t.Errorf("left: %+v", outcome.Left)
	}
	if err := foreign.Delete(t.Context(), "theirs", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	applytest.Revert(t, b, record)
	applytest.Same(t, c, before)
}

func wantLeft(t *testing.T, left []report.Left, object, why string) {
	t.Helper()
	for _, l := range left {
		if l.Object.String() == object && strings.Contains(l.Why, why) {
			return
		}
	}
	t.Errorf("%+v has no %s with %q", left, object, why)
}

func TestStuckFinalizerIsReportedNotStripped(t *testing.T) {
	c := applytest.Clients(t)
	b := apply.NewObjects(c, apply.Options{Settle: -1, DeleteTimeout: time.Second})
	before := applytest.Dump(t, c)
	text := strings.Replace(engine, "{name: ours,", "{name: ours, finalizers: [example.com/hold],", 1)
	record := applied(t, b, applytest.Part{Title: "engine", Text: text})
	outcome, err := b.Revert(t.Context(), record.Reload(t), applytest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	wantLeft(t, outcome.Left, "Bolt.example.com apply-engine/ours", "finalizer example.com/hold has not been removed")
	wantLeft(t, outcome.Left, "DaemonSet.apps apply-engine/calico-node", "must keep running")
	_, err = c.Dynamic.Resource(bolts).Namespace("apply-engine").Patch(t.Context(), "ours", types.JSONPatchType,
		[]byte(`[{"op": "remove", "path": "/metadata/finalizers"}]`), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b = apply.NewObjects(c, apply.Options{Settle: -1})
	applytest.Revert(t, b, record)
	applytest.Same(t, c, before)
}

func TestEditsOfOthersAreKeptAndNamed(t *testing.T) {
	c := applytest.Clients(t)
	b := apply.NewObjects(c, apply.Options{})
	first := applied(t, b, applytest.Part{Title: "stall", Text: stall})
	second := applied(t, b, applytest.Part{Title: "more", Text: strings.NewReplacer(`"1"`, `"2"`, "port: 80", "port: 81").Replace(stall)})
	maps := c.Typed.CoreV1().ConfigMaps("apply-stall")
	if _, err := maps.Patch(t.Context(), "a", types.MergePatchType, []byte(`{"data": {"count": "3", "z": "9"}}`), metav1.PatchOptions{FieldManager: "kubectl-edit"}); err != nil {
		t.Fatal(err)
	}
	outcome, err := b.Revert(t.Context(), second.Reload(t), applytest.Log(t))
	if err != nil || !outcome.Complete() {
		t.Errorf("revert: %+v, %v", outcome, err)
	}
	wantLeft(t, outcome.Kept, "ConfigMap apply-stall/a", "changed by others since: data.count")
	got, err := maps.Get(t.Context(), "a", metav1.GetOptions{})
	if err != nil || got.Data["count"] != "3" || got.Data["z"] != "9" {
		t.Errorf("their edit is lost: %v, %v", got.Data, err)
	}
	service, err := c.Typed.CoreV1().Services("apply-stall").Get(t.Context(), "b", metav1.GetOptions{})
	if err != nil || service.Spec.Ports[0].Port != 80 {
		t.Errorf("what nobody edited is not put back: %v, %v", service.Spec.Ports, err)
	}
	applytest.Revert(t, b, first)
}

const down = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: down.example.com}
webhooks:
- name: down.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Fail
  timeoutSeconds: 1
  clientConfig: {url: "https://127.0.0.1:1/"}
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: apply-stall}}
  rules: [{apiGroups: [""], apiVersions: [v1], resources: [configmaps], operations: [CREATE, DELETE]}]
`

func TestWebhookThatIsDownIsNamed(t *testing.T) {
	c := applytest.Clients(t)
	b := apply.NewObjects(c, apply.Options{RetryFor: time.Second})
	before := applytest.Dump(t, c)
	part := applytest.Part{Title: "stall", Text: stall}
	hook := applied(t, b, applytest.Part{Title: "hook", Text: down})
	time.Sleep(2 * time.Second) // until the API server has seen the configuration
	record := applytest.NewRecord(t, part)
	err := b.Apply(t.Context(), part, change.Target{}, record.Record, applytest.Log(t))
	if err == nil || !strings.Contains(err.Error(), "admission webhook down.example.com could not be called") {
		t.Errorf("apply: %v", err)
	}
	applytest.Revert(t, b, record)
	applytest.Revert(t, b, hook)
	applytest.Same(t, c, before)
}

func TestWebhookThatBlocksTheRevertLeavesAList(t *testing.T) {
	c := applytest.Clients(t)
	b := apply.NewObjects(c, apply.Options{RetryFor: time.Second, DeleteTimeout: time.Second})
	before := applytest.Dump(t, c)
	record := applied(t, b, applytest.Part{Title: "stall", Text: stall})
	hook := applied(t, b, applytest.Part{Title: "hook", Text: down})
	time.Sleep(2 * time.Second)
	outcome, err := b.Revert(t.Context(), record.Reload(t), applytest.Log(t))
	if err != nil {
		t.Fatal(err)
	}
	wantLeft(t, outcome.Left, "ConfigMap apply-stall/a", "admission webhook down.example.com")
	b = apply.NewObjects(c, apply.Options{})
	applytest.Revert(t, b, hook)
	time.Sleep(2 * time.Second)
	applytest.Revert(t, b, record)
	applytest.Same(t, c, before)
}

func TestNotReadySaysWhy(t *testing.T) {
	c := applytest.Clients(t)
	b := apply.NewObjects(c, apply.Options{ReadyTimeout: 3 * time.Second})
	before := applytest.Dump(t, c)
	part := applytest.Part{Title: "shop", Text: strings.Replace(shop,
		"      terminationGracePeriodSeconds: 0", "      terminationGracePeriodSeconds: 0\n      serviceAccountName: nobody", 1)}
	record := applytest.NewRecord(t, part)
	err := b.Apply(t.Context(), part, change.Target{}, record.Record, applytest.Log(t))
	if err == nil || !strings.Contains(err.Error(), "Deployment.apps apply-shop/web") || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("apply: %v, want it to name the Deployment and the missing service account", err)
	}
	applytest.Revert(t, b, record)
	applytest.Same(t, c, before)
}
