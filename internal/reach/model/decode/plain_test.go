package decode

import (
	"reflect"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

// What has other names or types than a policy is left to the strict conversion.
func TestPlain(t *testing.T) {
	type spec = networkingv1.NetworkPolicySpec
	p := plainFor(reflect.TypeFor[spec]())
	for text, want := range map[string]bool{
		`{}`: true,
		`{podSelector: {matchLabels: {any: name}, matchExpressions: [{key: a, operator: In, values: [b]}]}}`: true,
		`{ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: http}, {port: 80}]}]}`:            true,
		`{policyTypes: [Egress], egress: null}`:                                                              true,
		`{unknown: null}`:                                                                                    false,
		`{PodSelector: {}}`:                                                                                  false,
		`{podSelector: {matchLabels: {a: 1}}}`:                                                               false,
		`{podSelector: []}`:                                                                                  false,
		`{ingress: [{}, {from: [{ipBlock: {cidrs: [x]}}]}]}`:                                                 false,
		`{ingress: [{ports: [{port: {IntVal: 80}}]}]}`:                                                       false,
		`{ingress: [{ports: [{port: 8000000000}]}]}`:                                                         false,
		`{ingress: [{ports: [{endPort: 8000000000}]}]}`:                                                      false,
		`{policyTypes: [[Egress]]}`:                                                                          false,
		`{policyTypes: Egress}`:                                                                              false,
		`{egress: {to: []}}`:                                                                                 false,
	} {
		data, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		var from map[string]any
		if err := json.Unmarshal(data, &from); err != nil {
			t.Fatal(err)
		}
		if got := p.read(from, reflect.ValueOf(&spec{}).Elem()); got != want {
			t.Errorf("%s: read = %t, want %t", text, got, want)
		}
	}
}
