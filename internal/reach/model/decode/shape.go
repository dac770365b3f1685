package decode

import (
	"reflect"
	"strings"
)

// shape is the names that a type's JSON may have. The strict conversion finds names that
// are not known by keeping a set of those it has read, for each struct: most of the time
// that it takes. A shape is made once for many objects.
type shape struct {
	fields   map[string]*shape // of a struct
	elements *shape            // of a list or a map
}

func shapeOf(t reflect.Type) *shape {
	switch t.Kind() {
	case reflect.Pointer:
		return shapeOf(t.Elem())
	case reflect.Slice, reflect.Map:
		return &shape{elements: shapeOf(t.Elem())}
	case reflect.Struct:
		s := &shape{fields: map[string]*shape{}}
		for f := range t.Fields() {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
				s.fields[name] = shapeOf(f.Type)
			}
		}
		return s
	}
	return &shape{}
}

// holds is true where a value has no names but those of the shape. False may also mean
// that the shape does not tell.
func (s *shape) holds(value any) bool {
	if s == nil {
		return false
	}
	switch value := value.(type) {
	case map[string]any:
		for name, v := range value {
			if !s.at(name).holds(v) {
				return false
			}
		}
	case []any:
		for _, v := range value {
			if !s.elements.holds(v) {
				return false
			}
		}
	}
	return true
}

// at is the shape of what stands under a name; nil where there is none.
func (s *shape) at(name string) *shape {
	if s.fields == nil {
		return s.elements
	}
	return s.fields[name]
}
