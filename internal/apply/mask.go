package apply

import (
	"regexp"
	"strings"

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

// masker keeps secret values out of what is shown.
type masker struct{ secret bool }

func maskerFor(o *unstructured.Unstructured) masker {
	gvk := o.GroupVersionKind()
	return masker{gvk.Group == "" && gvk.Kind == "Secret"}
}

// hides is true for values below a Secret's data, and for the value of an environment
// variable whose name says that it is secret.
func (m masker) hides(path, key string, maps ...map[string]any) bool {
	if m.secret && path == "" && (key == "data" || key == "stringData") {
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

func (m masker) field(path string, before, after any, secret bool) change.Field {
	f := change.Field{Path: path, Before: clean(printable.Value(before)), After: clean(printable.Value(after))}
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

// clean masks secrets that stand inside other text: flags and URLs.
func clean(s string) string {
	return userInfo.ReplaceAllString(secretFlag.ReplaceAllString(s, "${1}"+masked), "${1}"+masked+"@")
}
