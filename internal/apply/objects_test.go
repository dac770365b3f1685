package apply

import (
	"strings"
	"testing"
	"time"

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

func TestApplyAndRevert(t *testing.T) {
	c := testClients(t)
	b := NewObjects(c, Options{ReadyTimeout: time.Minute})
	before := dump(t, c)
	part := testPart{"shop", shop}
	set, err := b.Plan(t.Context(), part, change.Target{}, NewPending())
	if err != nil {
		t.Fatal(err)
	}
	if set.Count(change.Create) != 7 {
		t.Errorf("plan has %d creates, want 7: %+v", set.Count(change.Create), set.Items)
	}
	sameDump(t, c, before)

	var saved []byte
	record := testRecord(part, &saved)
	if err := b.Apply(t.Context(), part, change.Target{}, record, logged(t)); err != nil {
		t.Error(err)
	}
	first := dump(t, c)
	update(t, b)
	sameDump(t, c, first)

	if strings.Contains(string(saved), "hunter2") {
		t.Error("the record holds a secret in clear")
	}
	outcome, err := b.Revert(t.Context(), reload(t, saved), logged(t))
	if err != nil || !outcome.Complete() || len(outcome.Kept) > 0 {
		t.Errorf("revert: %+v, %v", outcome, err)
	}
	sameDump(t, c, before)
}

// update changes what is there and takes the change back.
func update(t *testing.T, b *Objects) {
	t.Helper()
	text := strings.NewReplacer("hunter2", "hunter3", "blue", "green", "targetPort: 9898", "targetPort: 9797", "size: 1", "size: 2").Replace(shop)
	part := testPart{"repaint", text}
	set, err := b.Plan(t.Context(), part, change.Target{}, NewPending())
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range set.Items {
		t.Logf("%s %s %v %+v %s", i.Action, i.Object, i.Risks, i.Fields, i.Note)
	}
	if n := set.Count(change.Update); n != 5 {
		t.Errorf("plan has %d updates, want 5", n)
	}
	var saved []byte
	record := testRecord(part, &saved)
	if err := b.Apply(t.Context(), part, change.Target{}, record, logged(t)); err != nil {
		t.Error(err)
	}
	outcome, err := b.Revert(t.Context(), reload(t, saved), logged(t))
	if err != nil || !outcome.Complete() || len(outcome.Kept) > 0 {
		t.Errorf("revert: %+v, %v", outcome, err)
	}
}
