package apply_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/apply/applytest"
	"github.com/stagegate/stagegate/internal/change"
)

const shop = `
apiVersion: v1
kind: Namespace
metadata: {name: apply-shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: apply-shop}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: web
        image: ghcr.io/stefanprodan/podinfo:6.9.2
        env: [{name: DB_PASSWORD, value: hunter2}, {name: COLOUR, value: blue}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: apply-shop}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 9898}]}
---
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: apply-shop}
stringData: {password: hunter2}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: apply-shop}
data: {colour: blue}
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: one, namespace: apply-shop}
spec: {size: 1}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, kind: Widget, singular: widget, listKind: WidgetList}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
`

func plan(t *testing.T, b apply.Backend, part change.Part) change.Set {
	t.Helper()
	set, err := b.Plan(t.Context(), part, change.Target{}, apply.NewPending())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func applied(t *testing.T, b apply.Backend, part change.Part) *applytest.Record {
	t.Helper()
	record := applytest.NewRecord(t, part)
	if err := b.Apply(t.Context(), part, change.Target{}, record.Record, applytest.Log(t)); err != nil {
		t.Error(err)
	}
	return record
}

func TestApplyAndRevert(t *testing.T) {
	c := applytest.Clients(t)
	b := apply.NewObjects(c, apply.Options{ReadyTimeout: time.Minute})
	before := applytest.Dump(t, c)
	part := applytest.Part{Title: "shop", Text: shop}
	if n := plan(t, b, part).Count(change.Create); n != 7 {
		t.Errorf("plan has %d creates, want 7", n)
	}
	applytest.Same(t, c, before)

	record := applied(t, b, part)
	first := applytest.Dump(t, c)
	repaint(t, b)
	applytest.Same(t, c, first)

	if bytes.Contains(record.Saved, []byte("hunter2")) {
		t.Error("the record holds a secret in clear")
	}
	applytest.Revert(t, b, record)
	applytest.Same(t, c, before)
}

// repaint changes what is there and takes the change back.
func repaint(t *testing.T, b *apply.Objects) {
	t.Helper()
	text := strings.NewReplacer("hunter2", "hunter3", "blue", "green", "targetPort: 9898", "targetPort: 9797", "size: 1", "size: 2").Replace(shop)
	part := applytest.Part{Title: "repaint", Text: text}
	got := map[string][]change.Field{}
	for _, i := range plan(t, b, part).Items {
		if i.Action == change.Update {
			got[i.Object.String()] = i.Fields
		}
	}
	want := map[string][]change.Field{
		"Secret apply-shop/db":          {{Path: "data.password", Before: "(masked)", After: "(masked) (changed)"}},
		"ConfigMap apply-shop/settings": {{Path: "data.colour", Before: "blue", After: "green"}},
		"Service apply-shop/web":        {{Path: "spec.ports[0].targetPort", Before: "9898", After: "9797"}},
		"Deployment.apps apply-shop/web": {
			{Path: "spec.template.spec.containers[0].env[0].value", Before: "(masked)", After: "(masked) (changed)"},
			{Path: "spec.template.spec.containers[0].env[1].value", Before: "blue", After: "green"},
		},
		"Widget.example.com apply-shop/one": {{Path: "spec.size", Before: "1", After: "2"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	applytest.Revert(t, b, applied(t, b, part))
}
