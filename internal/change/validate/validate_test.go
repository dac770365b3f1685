package validate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/change/validate"
	"github.com/stagegate/stagegate/internal/snapshot"
	"github.com/stagegate/stagegate/internal/yamldoc"
)

const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: orders.shop.example}
spec:
  group: shop.example
  scope: Namespaced
  names: {kind: Order, plural: orders, singular: order, listKind: OrderList}
  versions:
    - name: v1alpha1
      served: false
      storage: false
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          required: [spec]
          properties:
            spec:
              type: object
              required: [item, count]
              properties:
                item: {type: string, pattern: '^[a-z]+$'}
                count: {type: integer, default: 1, minimum: 1}
                note: {type: string}
                when: {type: string, format: date-time}
                port: {x-kubernetes-int-or-string: true}
                extra: {type: object, x-kubernetes-preserve-unknown-fields: true}
---
`

const order = "apiVersion: shop.example/v1\nkind: Order\nmetadata: {name: first, namespace: shops}\nspec: "

func objects(t testing.TB, name, content string) []snapshot.Object {
	t.Helper()
	o, err := yamldoc.Decode(name, []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func known(t testing.TB, content string) *snapshot.Snapshot {
	t.Helper()
	s, err := snapshot.New(objects(t, "known.yaml", content)...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func messages(errs []error) []string {
	var out []string
	for _, err := range errs {
		out = append(out, err.Error())
	}
	return out
}

func deployment(spec string) string {
	return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: " + spec + "\n"
}

func TestObjects(t *testing.T) {
	for name, test := range map[string]struct {
		content string
		known   string
		want    []string
	}{
		"built-in": {content: deployment("{replicas: 2, selector: {}, template: {spec: {containers: [{name: a, image: b}]}}}")},
		"unknown field": {
			content: deployment("{replica: 2, template: {spec: {containers: [{name: a, port: 1}]}}}"),
			want: []string{
				"a.yaml:1: Deployment.apps web: unknown field spec.replica: check its spelling and indentation",
				"a.yaml:1: Deployment.apps web: unknown field spec.template.spec.containers[0].port: check its spelling and indentation",
			},
		},
		"wrong type": {
			content: deployment("{replicas: two}"),
			want:    []string{"a.yaml:1: Deployment.apps web: field spec.replicas: a string, where int32 is expected"},
		},
		"wrong case": {
			content: deployment("{Replicas: 2}"),
			want:    []string{"a.yaml:1: Deployment.apps web: unknown field spec.Replicas: check its spelling and indentation"},
		},
		"unknown version": {
			content: "apiVersion: batch/v9\nkind: Job\nmetadata: {name: a}\n",
			want:    []string{`a.yaml:1: Job.batch a: Job has no version "v9": use one of batch/v1`},
		},
		"secret value": {
			content: "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {key: hunter2!}\n",
			want:    []string{"a.yaml:1: Secret a: illegal base64 data at input byte 7"},
		},
		"unknown kind": {
			content: order + "{}",
			want: []string{"a.yaml:1: Order.shop.example shops/first: unknown kind Order of shop.example/v1: " +
				"neither the change nor the target has a CustomResourceDefinition for it: add it to the change, or install it first"},
		},
		"custom": {content: definition + order + "{item: tea, port: http, extra: {any: thing}, note: null}"},
		"custom, defined in the target": {
			content: order + "{items: tea}", known: definition,
			want: []string{
				"a.yaml:1: Order.shop.example shops/first: spec.item is required",
				"a.yaml:1: Order.shop.example shops/first: unknown field spec.items: check its spelling and indentation",
			},
		},
		"custom, wrong values": {
			content: definition + order + "{item: Tea, count: 0, note: 5, when: hunter2}",
			want: []string{
				"a.yaml:32: Order.shop.example shops/first: spec.count should be greater than or equal to 1",
				"a.yaml:32: Order.shop.example shops/first: spec.item should match '^[a-z]+$'",
				"a.yaml:32: Order.shop.example shops/first: spec.note must be of type string",
				"a.yaml:32: Order.shop.example shops/first: spec.when must be of type date-time",
			},
		},
		"custom, version not served": {
			content: definition + strings.Replace(order, "/v1", "/v1alpha1", 1) + "{}",
			want:    []string{`a.yaml:32: Order.shop.example shops/first: orders.shop.example is not served in version "v1alpha1": use one of v1`},
		},
		"definition": {
			content: strings.Replace(definition, "scope:", "scoped:", 1),
			want: []string{"a.yaml:2: CustomResourceDefinition.apiextensions.k8s.io orders.shop.example: " +
				"unknown field spec.scoped: check its spelling and indentation"},
		},
		"old definition": {
			content: strings.Replace(definition, "k8s.io/v1", "k8s.io/v1beta1", 1),
			want: []string{"a.yaml:2: CustomResourceDefinition.apiextensions.k8s.io orders.shop.example: " +
				`CustomResourceDefinition has no version "v1beta1": use apiextensions.k8s.io/v1`},
		},
		"kind that the target has": {content: order + "{}", known: strings.Replace(order, "first", "other", 1) + "{}"},
		"aggregated API": {
			content: order + "{}",
			known:   "apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1.shop.example}\nspec: {group: shop.example, version: v1}\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := messages(validate.Objects(objects(t, "a.yaml", test.content), known(t, test.known)))
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("errors (-want +got):\n%s", d)
			}
		})
	}
}

func TestNothingKnown(t *testing.T) {
	if errs := validate.Objects(objects(t, "a.yaml", deployment("{}")), nil); errs != nil {
		t.Errorf("errors: %v", errs)
	}
}

func TestValidatingLeavesObjectsAlone(t *testing.T) {
	content := definition + order + "{item: tea, stray: x}"
	checked := objects(t, "a.yaml", content)
	validate.Objects(checked, nil)
	if d := cmp.Diff(objects(t, "a.yaml", content), checked); d != "" {
		t.Errorf("changed:\n%s", d)
	}
}

func TestNamespaces(t *testing.T) {
	content := order + "{}\n---\n" + strings.ReplaceAll(order, "shops", "new") + "{}\n---\n" +
		strings.ReplaceAll(order, "shops", "default") + "{}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: new}\n"
	target := known(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: web}\n")
	want := []string{`a.yaml:1: Order.shop.example shops/first: there is no namespace "shops": add it to the change, or correct metadata.namespace`}
	if d := cmp.Diff(want, messages(validate.Namespaces(objects(t, "a.yaml", content), target))); d != "" {
		t.Errorf("errors (-want +got):\n%s", d)
	}
	if errs := validate.Namespaces(objects(t, "a.yaml", content), known(t, "")); errs != nil {
		t.Errorf("namespaces of the target not known, but: %v", errs)
	}
}

// thousand is 1,000 objects, half of them custom.
func thousand(t testing.TB) []snapshot.Object {
	var b strings.Builder
	b.WriteString(definition)
	for i := range 500 {
		fmt.Fprintf(&b, "---\n%s{item: tea}\n---\n%s", strings.Replace(order, "first", fmt.Sprint("o", i), 1),
			strings.Replace(deployment("{replicas: 2, template: {spec: {containers: [{name: a, image: b, ports: [{containerPort: 80}]}]}}}"), "web", fmt.Sprint("d", i), 1))
	}
	return objects(t, "a.yaml", b.String())
}

func TestThousandObjectsAreQuick(t *testing.T) {
	change := thousand(t)
	start := time.Now()
	if errs := validate.Objects(change, nil); errs != nil {
		t.Fatal(errs)
	}
	const limit = time.Second // measured: see BenchmarkObjects; loaded machines are slower
	if took := time.Since(start); took > limit {
		t.Errorf("%d objects took %s, more than %s", len(change), took, limit)
	}
}

func BenchmarkObjects(b *testing.B) {
	change := thousand(b)
	for b.Loop() {
		validate.Objects(change, nil)
	}
}
