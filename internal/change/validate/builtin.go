package validate

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	kjson "sigs.k8s.io/json"

	"github.com/stagegate/stagegate/internal/snapshot"
)

// checkBuiltIn holds an object against the Go type of its kind.
func checkBuiltIn(o snapshot.Object, gvk schema.GroupVersionKind) []string {
	typed, err := scheme.Scheme.New(gvk)
	if err != nil {
		return []string{err.Error()}
	}
	return decode(o, typed)
}

func otherVersion(gvk schema.GroupVersionKind, versions []schema.GroupVersion) string {
	var names []string
	for _, v := range versions {
		names = append(names, v.String())
	}
	slices.Sort(names)
	return fmt.Sprintf("%s has no version %q: use one of %s", gvk.Kind, gvk.Version, strings.Join(names, ", "))
}

// checkDefinition holds a CustomResourceDefinition against its type; the older version is
// gone from all clusters since Kubernetes 1.22.
func checkDefinition(o snapshot.Object) []string {
	if v := o.GroupVersionKind().Version; v != "v1" {
		return []string{fmt.Sprintf("CustomResourceDefinition has no version %q: use apiextensions.k8s.io/v1", v)}
	}
	return decode(o, &apiextensions.CustomResourceDefinition{})
}

// decode decodes strictly and says what does not fit.
func decode(o snapshot.Object, into any) []string {
	content, err := json.Marshal(o.Object)
	if err != nil {
		return []string{"not to be written as JSON: " + err.Error()}
	}
	unknown, err := kjson.UnmarshalStrict(content, into, kjson.DisallowUnknownFields)
	if err != nil {
		return []string{explain(err)}
	}
	var problems []string
	for _, u := range unknown {
		field := strings.Trim(strings.TrimPrefix(u.Error(), "unknown field "), `"`)
		problems = append(problems, unknownField(field))
	}
	return problems
}

func unknownField(path string) string {
	return fmt.Sprintf("unknown field %s: check its spelling and indentation", path)
}

// explain names the field and the types instead of Go's own.
func explain(err error) string {
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		return fmt.Sprintf("field %s: a %s, where %s is expected", mismatch.Field, mismatch.Value, mismatch.Type)
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}
