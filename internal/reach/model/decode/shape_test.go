package decode

import (
	"reflect"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

func TestShape(t *testing.T) {
	known := shapeOf(reflect.TypeFor[networkingv1.NetworkPolicySpec]())
	for text, want := range map[string]bool{
		`{}`: true,
		`{podSelector: {matchLabels: {any: name}, matchExpressions: [{key: a, operator: In, values: [b]}]}}`: true,
		`{ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: http}, {port: 80}]}]}`:            true,
		`{policyTypes: [Egress], egress: null}`:                                                              true,
		`{unknown: null}`:                                                                                    false,
		`{PodSelector: {}}`:                                                                                  false,
		`{podSelector: {matchLabels: {a: {b: c}}}}`:                                                          false,
		`{ingress: [{}, {from: [{ipBlock: {cidrs: [x]}}]}]}`:                                                 false,
		`{ingress: [{ports: [{port: {IntVal: 80}}]}]}`:                                                       false,
		`{policyTypes: [[Egress]]}`:                                                                          false,
	} {
		var value map[string]any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		if got := known.holds(value); got != want {
			t.Errorf("%s: holds = %t, want %t", text, got, want)
		}
	}
}
