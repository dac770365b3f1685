package apply

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stagegate/stagegate/internal/change"
)

func object1(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	return &unstructured.Unstructured{Object: parse(t, text).(map[string]any)}
}

func TestDifferencesAreNamedAndMasked(t *testing.T) {
	tests := map[string]struct {
		before, after string
		want          []change.Field
	}{
		"book-keeping is not a difference": {
			`{kind: A, metadata: {resourceVersion: "1", generation: 1, managedFields: [], annotations: {kubectl.kubernetes.io/last-applied-configuration: x}}, status: {a: 1}}`,
			`{kind: A, metadata: {resourceVersion: "2", generation: 2, uid: u}, status: {a: 2}}`, nil,
		},
		"values of a Secret": {
			`{apiVersion: v1, kind: Secret, data: {a: b25l, b: eA==, c: eQ==}}`, `{apiVersion: v1, kind: Secret, data: {a: dHdv, b: eA==, d: eg==}}`,
			[]change.Field{{Path: "data.a", Before: masked, After: masked + " (changed)"}, {Path: "data.c", Before: masked}, {Path: "data.d", After: masked}},
		},
		"environment variables with secret names": {
			`{spec: {containers: [{name: a, env: [{name: API_KEY, value: one}, {name: MODE, value: x}]}]}}`,
			`{spec: {containers: [{name: a, env: [{name: API_KEY, value: two}, {name: MODE, value: z}]}]}}`,
			[]change.Field{{Path: "spec.containers[0].env[0].value", Before: masked, After: masked + " (changed)"}, {Path: "spec.containers[0].env[1].value", Before: "x", After: "z"}},
		},
		"secrets in flags and URLs": {
			`{a: ["--db-password=one"], b: "http://u:pw1@h/"}`, `{a: ["--db-password=two", "-v"], b: "http://u:pw2@h/"}`,
			[]change.Field{{Path: "a", Before: `["--db-password=(masked)"]`, After: `["--db-password=(masked)","-v"]`}, {Path: "b", Before: "http://u:(masked)@h/", After: "http://u:(masked)@h/ (changed)"}},
		},
		"items by key, not by place": {
			`{l: [{name: a, v: 1}, {name: b, v: 2}]}`, `{l: [{name: b, v: 2}, {name: a, v: 3}]}`,
			[]change.Field{{Path: "l[1].v", Before: "1", After: "3"}},
		},
		"an item that goes": {
			`{l: [{name: a, v: 1}, {name: b, v: 2}]}`, `{l: [{name: a, v: 1}]}`,
			[]change.Field{{Path: "l[1].name", Before: "b"}, {Path: "l[1].v", Before: "2"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := differences(object1(t, test.before), object1(t, test.after))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRisks(t *testing.T) {
	tests := map[string][]change.Risk{
		`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, spec: {conversion: {strategy: Webhook}}}`:                                                {change.RiskCRD, change.RiskWebhook},
		`{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration}`:                                                                           {change.RiskWebhook},
		`{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {namespace: a}}`:                                                                             {change.RiskPolicy},
		`{apiVersion: crd.projectcalico.org/v1, kind: GlobalNetworkPolicy}`:                                                                                             {change.RiskPolicy},
		`{apiVersion: crd.projectcalico.org/v1, kind: FelixConfiguration}`:                                                                                              {change.RiskCNI},
		`{apiVersion: cilium.io/v2, kind: CiliumClusterwideNetworkPolicy}`:                                                                                              {change.RiskPolicy},
		`{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy}`:                                                                                                 {change.RiskPolicy},
		`{apiVersion: k8s.ovn.org/v1, kind: EgressFirewall}`:                                                                                                            {change.RiskPolicy},
		`{apiVersion: crd.antrea.io/v1beta1, kind: ClusterNetworkPolicy}`:                                                                                               {change.RiskPolicy},
		`{apiVersion: policy.networking.k8s.io/v1alpha1, kind: AdminNetworkPolicy}`:                                                                                     {change.RiskPolicy},
		`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole}`:                                                                                                 {change.RiskRBAC},
		`{apiVersion: storage.k8s.io/v1, kind: StorageClass}`:                                                                                                           {change.RiskStorage},
		`{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: calico-node, namespace: kube-system}}`:                                                                 {change.RiskCNI, change.RiskSystem},
		`{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: x, namespace: a}, spec: {template: {spec: {volumes: [{name: c, hostPath: {path: /etc/cni/net.d}}]}}}}`: {change.RiskCNI},
		`{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: logs, namespace: a}}`:                                                                                  nil,
		`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}}`:                                                                               nil,
	}
	for text, want := range tests {
		if diff := cmp.Diff(want, Risks(object1(t, text))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}
