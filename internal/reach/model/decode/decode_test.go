package decode_test

import (
	"reflect"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/stagegate/stagegate/internal/reach/model/admin"
	"github.com/stagegate/stagegate/internal/reach/model/calico"
	"github.com/stagegate/stagegate/internal/reach/model/decode"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// A spec is read, or refused, as the strict conversion does.
func FuzzSpec(f *testing.F) {
	for _, text := range []string{
		`{podSelector: {matchLabels: {app: a}}, ingress: [{from: [{podSelector: {}}], ports: [{port: http, endPort: 2}]}]}`,
		`{podSelector: {}, ingress: [{from: [{unknown: 1}]}], other: null}`,
		`{priority: 1, subject: {namespaces: {}}, egress: [{action: Deny, to: [{networks: [10.0.0.0/8]}], ports: [{portNumber: {port: 80}}]}]}`,
		`{tier: Admin, ingress: [{protocols: [{tcp: {destinationPort: {range: {start: 1, end: x}}}}]}]}`,
		`{order: 7, selector: all(), types: [Ingress], ingress: [{ipVersion: 4, notICMP: {type: 8}, protocol: 6, source: {serviceAccounts: {names: [a]}}}]}`,
		`{podSelector: {matchLabels: {a: 1}}, egress: [{ports: [{port: 8000000000, endPort: 8000000000}]}], policyTypes: null}`,
		`{order: 1.5, ingress: [{action: Allow, http: {methods: [GET], paths: [{exact: /}]}, destination: {ports: [80, "90:91"]}}]}`,
		`{order: a, ingress: [{source: {domains: [b]}}]}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		data, err := yaml.YAMLToJSON([]byte(text))
		var spec map[string]any
		if err != nil || json.Unmarshal(data, &spec) != nil || spec == nil {
			t.Skip()
		}
		for _, pair := range [][2]any{
			{&networkingv1.NetworkPolicySpec{}, &networkingv1.NetworkPolicySpec{}},
			{&admin.Spec{}, &admin.Spec{}},
			{&admin.ClusterSpec{}, &admin.ClusterSpec{}},
			{&calico.PolicySpec{}, &calico.PolicySpec{}},
		} {
			got, want := pair[0], pair[1]
			o := snapshot.Object{Unstructured: &unstructured.Unstructured{Object: map[string]any{"spec": spec}}}
			err := decode.Spec(o, got)
			strict := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(spec, want, true)
			if (err == nil) != (strict == nil) {
				t.Fatalf("%T: %v, but the strict conversion: %v", got, err, strict)
			}
			if err == nil && !reflect.DeepEqual(got, want) {
				t.Errorf("%+v\nwant %+v", got, want)
			}
		}
	})
}
