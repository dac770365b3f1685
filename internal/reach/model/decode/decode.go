// Package decode reads the specs of policy objects strictly: a field that is not known
// could change a decision, so it is an error.
package decode

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/stagegate/stagegate/internal/snapshot"
)

// Spec decodes the object's spec into a struct with json tags.
func Spec(o snapshot.Object, into any) error {
	return decode(o, into, plainFor(reflect.TypeOf(into).Elem()))
}

func decode(o snapshot.Object, into any, p plain) error {
	spec, ok := o.Object["spec"]
	if !ok {
		return errors.New("spec is missing")
	}
	fields, ok := spec.(map[string]any)
	if !ok {
		return fmt.Errorf("spec: want a mapping, have %T", spec)
	}
	value := reflect.ValueOf(into).Elem()
	if p.read(fields, value) {
		return nil
	}
	value.SetZero()
	err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(fields, into, true)
	if strict, ok := runtime.AsStrictDecodingError(err); ok {
		return fmt.Errorf("spec: %w: this version does not know what it does, so it cannot evaluate the policy", errors.Join(strict.Errors()...))
	}
	if err != nil {
		return fmt.Errorf("spec: %w", err)
	}
	return nil
}

// In wraps an error with the object and, where it is known, its place.
func In(o snapshot.Object, err error) error {
	if err == nil {
		return nil
	}
	key := snapshot.KeyOf(o.Unstructured)
	if o.Source == "" {
		return fmt.Errorf("%s: %w", key, err)
	}
	return fmt.Errorf("%s: %s: %w", o.Source, key, err)
}

// Prefix parses a CIDR, and sets the host bits to zero as every engine does.
func Prefix(field, text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%s: %q is not a CIDR such as 10.0.0.0/8", field, text)
	}
	return p.Masked(), nil
}

// PrefixOrAddr parses a CIDR or a single address.
func PrefixOrAddr(field, text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		return Prefix(field, text)
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%s: %q is neither a CIDR nor an address", field, text)
	}
	return netip.PrefixFrom(a, a.BitLen()), nil
}

// Selector converts a label selector. A nil selector selects nothing, an empty one everything.
func Selector(field string, s *metav1.LabelSelector) (labels.Selector, error) {
	out, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", field, err)
	}
	return out, nil
}
