package config

import (
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/stagegate/stagegate/internal/change"
)

// Permits holds that a change touches only what the environment allows. The error names
// every object that it does not.
func (a Allow) Permits(set change.Set) error {
	var errs []error
	for _, item := range set.Items {
		o := item.Object
		if item.Action == change.Keep || o.Kind == "" {
			continue
		}
		kind := schema.GroupKind{Group: o.Group, Kind: o.Kind}.String()
		if len(a.Kinds) > 0 && !slices.Contains(a.Kinds, kind) {
			errs = append(errs, fmt.Errorf("%s: kind %s is not among spec.allow.kinds of the environment", o, kind))
		}
		if len(a.Namespaces) > 0 && o.Namespace != "" && !slices.Contains(a.Namespaces, o.Namespace) {
			errs = append(errs, fmt.Errorf("%s: namespace %s is not among spec.allow.namespaces of the environment", o, o.Namespace))
		}
	}
	return errors.Join(errs...)
}
