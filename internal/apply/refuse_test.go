package apply_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/apply/applytest"
	"github.com/stagegate/stagegate/internal/change"
)

func TestRefusalsSayWhatToDoAndChangeNothing(t *testing.T) {
	c := applytest.Clients(t)
	b := apply.NewObjects(c, apply.Options{RetryFor: time.Second})
	setUp := applied(t, b, applytest.Part{Title: "setup", Text: refuseSetUp})
	_, err := c.Typed.CoreV1().ConfigMaps("apply-refuse").Patch(t.Context(), "foreign", types.ApplyYAMLPatchType,
		[]byte(`{apiVersion: v1, kind: ConfigMap, metadata: {name: foreign}, data: {colour: blue}}`), metav1.PatchOptions{FieldManager: "flux"})
	if err != nil {
		t.Fatal(err)
	}
	before := applytest.Dump(t, c)
	tests := map[string]struct {
		text string
		want []string // the whole message, or several parts of it
	}{
		"another owner": {
			`{apiVersion: v1, kind: ConfigMap, metadata: {name: foreign, namespace: apply-refuse}, data: {colour: green}}`,
			[]string{`bad.yaml:2: ConfigMap apply-refuse/foreign: "flux" owns .data.colour: take these fields out of the change, or let their owner give them up first: fields have another owner`},
		},
		"unknown kind": {
			`{apiVersion: example.org/v1, kind: Sprocket, metadata: {name: a}}`,
			[]string{"bad.yaml:2", "the cluster has no kind Sprocket in example.org/v1: add its CustomResourceDefinition to the change"},
		},
		"namespace absent": {
			`{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: apply-nowhere}}`,
			[]string{"bad.yaml:2", `namespace "apply-nowhere" is absent: add it to the change, or create it first`},
		},
		"stored version dropped": {
			strings.Replace(refuseCRD, "name: v1", "name: v2", 1),
			[]string{"bad.yaml:3: CustomResourceDefinition.apiextensions.k8s.io bolts.example.com: version v1 is dropped but objects are stored in it: keep it, migrate the objects, and take it out of status.storedVersions first"},
		},
		"invalid": {
			`{apiVersion: v1, kind: Service, metadata: {name: a, namespace: apply-refuse}, spec: {ports: [{port: 99999}]}}`,
			[]string{"bad.yaml:2: Service apply-refuse/a", "spec.ports[0].port"},
		},
		"twice": {
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: default}}",
			[]string{"bad.yaml:5: ConfigMap default/a is already defined at bad.yaml:2: remove one of the two"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			// An object that is good comes first, and must not be touched either.
			part := applytest.Part{Title: "bad", Text: "{apiVersion: v1, kind: ConfigMap, metadata: {name: good, namespace: apply-refuse}}\n---\n" + test.text}
			_, planErr := b.Plan(t.Context(), part, change.Target{}, apply.NewPending())
			applyErr := b.Apply(t.Context(), part, change.Target{}, applytest.NewRecord(t, part).Record, nil)
			for _, err := range []error{planErr, applyErr} {
				message := strings.NewReplacer("bad.yaml:3", "bad.yaml:2", "bad.yaml:4", "bad.yaml:3").Replace(fmt.Sprint(err))
				for _, want := range test.want {
					if !strings.Contains(message, want) || len(test.want) == 1 && message != want {
						t.Errorf("%s\nlacks %q", message, want)
					}
				}
			}
		})
	}
	applytest.Same(t, c, before)
	if err := c.Typed.CoreV1().ConfigMaps("apply-refuse").Delete(t.Context(), "foreign", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	applytest.Revert(t, b, setUp)
}

const refuseCRD = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: bolts.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: bolts, kind: Bolt, singular: bolt, listKind: BoltList}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

const refuseSetUp = `
apiVersion: v1
kind: Namespace
metadata: {name: apply-refuse}
---` + refuseCRD
