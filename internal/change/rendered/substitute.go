package rendered

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// An object opts in to ${variable} with this annotation, set to "enabled".
const (
	SubstituteAnnotation = "stagegate.dev/substitute"
	enabled              = "enabled"
)

// reference is ${name}, or $${name} for the literal text ${name}.
var reference = regexp.MustCompile(`\$?\$\{[^}]*\}`)

// substitute replaces ${cluster_name} and the environment's variables in the text values
// of the objects that opt in. Text that is one reference and nothing else takes the
// variable's type, so that "replicas: ${replicas}" gives a number; no value can break
// the structure of a manifest, since it is put into decoded text.
func substitute(objects []snapshot.Object, target change.Target) error {
	variables := maps.Clone(target.Variables)
	if variables == nil {
		variables = map[string]any{}
	}
	if target.ClusterName != "" {
		variables["cluster_name"] = target.ClusterName
	}
	var errs []error
	for _, o := range objects {
		mark, ok := o.GetAnnotations()[SubstituteAnnotation]
		if !ok {
			continue
		}
		if mark != enabled {
			errs = append(errs, fmt.Errorf("%s: annotation %s is %q: set it to %q, or remove it", o.Source, SubstituteAnnotation, mark, enabled))
			continue
		}
		s := substituter{source: o.Source, variables: variables}
		s.walk(o.Object, "")
		errs = append(errs, s.errs...)
	}
	return errors.Join(errs...)
}

type substituter struct {
	source    string
	variables map[string]any
	errs      []error
}

// walk replaces within maps and lists in place and returns the new value of a scalar.
func (s *substituter) walk(value any, path string) any {
	switch v := value.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			v[k] = s.walk(v[k], join(path, k))
		}
	case []any:
		for i := range v {
			v[i] = s.walk(v[i], fmt.Sprintf("%s[%d]", path, i))
		}
	case string:
		return s.text(v, path)
	}
	return value
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// text replaces the references in one text. All of metadata, kind and apiVersion is text.
func (s *substituter) text(text, path string) any {
	onlyText := strings.HasPrefix(path, "metadata.") || path == "kind" || path == "apiVersion"
	if !onlyText && strings.HasPrefix(text, "${") && reference.FindString(text) == text {
		return s.value(text, path)
	}
	return reference.ReplaceAllStringFunc(text, func(ref string) string {
		if strings.HasPrefix(ref, "$$") {
			return ref[1:]
		}
		return fmt.Sprint(s.value(ref, path))
	})
}

// value is a variable's value in a type that an object can hold.
func (s *substituter) value(ref, path string) any {
	name := ref[len("${") : len(ref)-1]
	value, ok := s.variables[name]
	if !ok {
		s.fail("%s: unknown variable ${%s}: %s: define it in the environment, or write $${%s} for that very text",
			path, name, s.known(), name)
		return ref
	}
	switch v := value.(type) {
	case string, bool, int64, float64:
		return v
	case int:
		return int64(v)
	}
	s.fail("%s: variable ${%s} is neither text, a number nor true or false: name another", path, name)
	return ref
}

func (s *substituter) known() string {
	names := slices.Sorted(maps.Keys(s.variables))
	if len(names) == 0 {
		return "none are known"
	}
	return "known are " + strings.Join(names, ", ")
}

func (s *substituter) fail(format string, args ...any) {
	s.errs = append(s.errs, fmt.Errorf("%s: %s", s.source, fmt.Sprintf(format, args...)))
}
