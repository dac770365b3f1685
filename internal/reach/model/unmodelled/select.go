package unmodelled

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/stagegate/stagegate/internal/reach/model/policy"
)

func mapping(v any) map[string]any { m, _ := v.(map[string]any); return m }

func list(v any) []any { l, _ := v.([]any); return l }

// all are the pods of a namespace, or of all where it is empty.
func all(namespace string) policy.Expr { return pods(namespace, nil, nil) }

// pods selects pods of one namespace, or where that is empty of those that a selector
// selects.
func pods(namespace string, namespaces, selector any) policy.Expr {
	if namespace != "" {
		return policy.Pods{InNamespace: namespace, Pods: selection(selector)}
	}
	return policy.Pods{Namespaces: selection(namespaces), Pods: selection(selector)}
}

// selection is a label selector. One that is absent or cannot be read selects everything.
func selection(v any) labels.Selector {
	var s metav1.LabelSelector
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(mapping(v), &s); err != nil {
		return labels.Everything()
	}
	out, err := metav1.LabelSelectorAsSelector(&s)
	if err != nil {
		return labels.Everything()
	}
	return out
}
