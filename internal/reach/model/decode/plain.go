package decode

import (
	"math"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"
)

// plain reads what policies are made of into structs, in a small part of the time that the
// strict conversion takes. What it does not know, or what does not fit, it leaves to that.
// It has the fields of each struct by their names.
type plain map[reflect.Type]map[string]int

func plainFor(t reflect.Type) plain {
	p := plain{}
	p.add(t)
	return p
}

func (p plain) add(t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		p.add(t.Elem())
	case reflect.Struct:
		names := map[string]int{}
		for i := range t.NumField() {
			if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" {
				names[name] = i
				p.add(t.Field(i).Type)
			}
		}
		p[t] = names
	}
}

// read sets into, which is zero, or returns false; then into may be set in part.
func (p plain) read(from any, into reflect.Value) bool {
	if from == nil {
		return true
	}
	if into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		return p.read(from, into.Elem())
	}
	if port, ok := into.Addr().Interface().(*intstr.IntOrString); ok {
		return readPort(from, port)
	}
	switch from := from.(type) {
	case map[string]any:
		return p.readMap(from, into)
	case []any:
		return p.readList(from, into)
	}
	return readScalar(from, into)
}

func (p plain) readMap(from map[string]any, into reflect.Value) bool {
	if labels, ok := into.Addr().Interface().(*map[string]string); ok {
		return readLabels(from, labels)
	}
	fields, ok := p[into.Type()]
	if !ok {
		return false
	}
	for name, v := range from {
		i, known := fields[name]
		if !known || !p.read(v, into.Field(i)) {
			return false
		}
	}
	return true
}

func (p plain) readList(from []any, into reflect.Value) bool {
	if into.Kind() != reflect.Slice {
		return false
	}
	into.Set(reflect.MakeSlice(into.Type(), len(from), len(from)))
	for i, v := range from {
		if !p.read(v, into.Index(i)) {
			return false
		}
	}
	return true
}

func readLabels(from map[string]any, into *map[string]string) bool {
	*into = make(map[string]string, len(from))
	for k, v := range from {
		text, ok := v.(string)
		if !ok {
			return false
		}
		(*into)[k] = text
	}
	return true
}

func readPort(from any, into *intstr.IntOrString) bool {
	switch from := from.(type) {
	case string:
		*into = intstr.FromString(from)
		return true
	case int64:
		*into = intstr.IntOrString{IntVal: int32(from)} //nolint:gosec // what does not fit is not taken
		return from >= math.MinInt32 && from <= math.MaxInt32
	}
	return false
}

func readScalar(from any, into reflect.Value) bool {
	switch from := from.(type) {
	case string:
		if into.Kind() == reflect.String {
			into.SetString(from)
			return true
		}
	case bool:
		if into.Kind() == reflect.Bool {
			into.SetBool(from)
			return true
		}
	case int64:
		if into.CanInt() && !into.OverflowInt(from) {
			into.SetInt(from)
			return true
		}
		return readScalar(float64(from), into)
	case float64:
		if into.CanFloat() {
			into.SetFloat(from)
			return true
		}
	}
	return false
}
