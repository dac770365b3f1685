package apply

import (
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/printable"
)

const masked = "(masked)"

var (
	secretName = regexp.MustCompile(`(?i)passw|token|secret|key|credential`)
	secretFlag = regexp.MustCompile(`(?i)([\w-]*(?:passw|token|secret|key|credential)[\w-]*=)[^\s",]+`)
	userInfo   = regexp.MustCompile(`(://[^/@\s:]*:)[^/@\s]+@`)
)

// Masker keeps secret values out of what is shown; the zero value is that of no object.
type Masker struct{ secret bool }

// MaskerFor masks one object, of which there may be several versions; nil is none.
func MaskerFor(versions ...*unstructured.Unstructured) Masker {
	var m Masker
	for _, o := range versions {
		if o != nil {
			gvk := o.GroupVersionKind()
			m.secret = m.secret || gvk.Group == "" && gvk.Kind == "Secret"
		}
	}
	return m
}

// Hides is true for values below a Secret's data, for the value of an environment variable
// whose name says that it is secret, and for the annotation that repeats the whole object.
// The path is that of the map, or of its versions, in which the key is.
func (m Masker) Hides(path, key string, maps ...map[string]any) bool {
	if m.secret && path == "" && (key == "data" || key == "stringData") || key == corev1.LastAppliedConfigAnnotation {
		return true
	}
	if key != "value" || !strings.Contains(path, "env[") {
		return false
	}
	for _, o := range maps {
		if name, ok := o["name"].(string); ok && secretName.MatchString(name) {
			return true
		}
	}
	return false
}

func (m Masker) field(path string, before, after any, secret bool) change.Field {
	f := change.Field{Path: path, Before: Clean(printable.Value(before)), After: Clean(printable.Value(after))}
	if secret {
		f.Before, f.After = hide(before), hide(after)
	}
	if f.Before == f.After {
		f.After += " (changed)"
	}
	return f
}

func hide(v any) string {
	if v == nil {
		return ""
	}
	return masked
}

// Clean masks secrets that stand inside other text: flags and URLs.
func Clean(s string) string {
	return userInfo.ReplaceAllString(secretFlag.ReplaceAllString(s, "${1}"+masked), "${1}"+masked+"@")
}
