package inspect

import (
	"crypto/md5"  //nolint:gosec // Terraform's function of that name
	"crypto/sha1" //nolint:gosec // Terraform's function of that name
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/url"
	"path"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// ownFunctions are functions that Terraform has and go-cty has not, or has with another meaning.
func ownFunctions() map[string]function.Function {
	return map[string]function.Function{
		"alltrue":      reduce(true, func(all, one bool) bool { return all && one }),
		"anytrue":      reduce(false, func(anyone, one bool) bool { return anyone || one }),
		"base64decode": text(decodeBase64),
		"base64encode": text(func(s string) (string, error) { return base64.StdEncoding.EncodeToString([]byte(s)), nil }),
		"basename":     text(func(s string) (string, error) { return path.Base(s), nil }),
		"coalesce":     coalesce,
		"dirname":      text(func(s string) (string, error) { return path.Dir(s), nil }),
		"endswith":     test(strings.HasSuffix),
		"length":       length,
		"md5":          text(func(s string) (string, error) { sum := md5.Sum([]byte(s)); return hex.EncodeToString(sum[:]), nil }), //nolint:gosec // Terraform's
		"nonsensitive": same,
		"one":          one,
		"replace":      replace,
		"sensitive":    same,
		"sha1":         text(func(s string) (string, error) { sum := sha1.Sum([]byte(s)); return hex.EncodeToString(sum[:]), nil }), //nolint:gosec // Terraform's
		"sha256": text(func(s string) (string, error) {
			sum := sha256.Sum256([]byte(s))
			return hex.EncodeToString(sum[:]), nil
		}),
		"startswith":  test(strings.HasPrefix),
		"strcontains": test(strings.Contains),
		"urlencode":   text(func(s string) (string, error) { return url.QueryEscape(s), nil }),
	}
}

func decodeBase64(s string) (string, error) {
	content, err := base64.StdEncoding.DecodeString(s)
	return string(content), err
}

// text makes a function of one text.
func text(f func(string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "str", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			out, err := f(args[0].AsString())
			return cty.StringVal(out), err
		},
	})
}

// test makes a function of two texts that is true or false.
func test(f func(a, b string) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "str", Type: cty.String}, {Name: "part", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(f(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

// reduce makes a function of a list of booleans; null counts as false.
func reduce(start bool, f func(so, one bool) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.List(cty.Bool)}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			result := start
			for _, v := range args[0].AsValueSlice() {
				if !v.IsKnown() {
					return cty.UnknownVal(cty.Bool), nil
				}
				result = f(result, !v.IsNull() && v.True())
			}
			return cty.BoolVal(result), nil
		},
	})
}

var anything = function.Parameter{Name: "value", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true}

// same gives back its argument: what is sensitive is never part of a value here.
var same = function.New(&function.Spec{
	Params: []function.Parameter{anything},
	Type:   func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
	Impl:   func(args []cty.Value, _ cty.Type) (cty.Value, error) { return args[0], nil },
})

// coalesce is the first argument that is neither null nor empty text.
var coalesce = function.New(&function.Spec{
	VarParam: &anything,
	Type:     function.StaticReturnType(cty.DynamicPseudoType),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		for _, v := range args {
			if !v.IsKnown() {
				return cty.DynamicVal, nil
			}
			if !v.IsNull() && (!isText(v) || v.AsString() != "") {
				return v, nil
			}
		}
		return cty.DynamicVal, errors.New("no argument is set")
	},
})

// length is that of a collection, or the number of characters of a text.
var length = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if args[0].Type() == cty.String {
			return stdlib.Strlen(args[0])
		}
		return stdlib.Length(args[0])
	},
})

// one is the only element of a collection, or null where there is none.
var one = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}},
	Type:   function.StaticReturnType(cty.DynamicPseudoType),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		elements := elementsOf(args[0])
		switch len(elements) {
		case 0:
			return cty.NullVal(cty.DynamicPseudoType), nil
		case 1:
			return elements[0].value, nil
		}
		return cty.DynamicVal, errors.New("more than one element")
	},
})

// replace takes a regular expression where the text to find is written between slashes.
var replace = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "str", Type: cty.String}, {Name: "find", Type: cty.String}, {Name: "with", Type: cty.String}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		find := args[1].AsString()
		if len(find) > 1 && strings.HasPrefix(find, "/") && strings.HasSuffix(find, "/") {
			return stdlib.RegexReplace(args[0], cty.StringVal(find[1:len(find)-1]), args[2])
		}
		return stdlib.Replace(args[0], args[1], args[2])
	},
})

// element is one element of a collection.
type element struct{ key, value cty.Value }

// elementsOf are the elements of a value that is known to be a collection.
func elementsOf(v cty.Value) []element {
	if !v.IsKnown() || v.IsNull() || !v.CanIterateElements() {
		return nil
	}
	var out []element
	for it := v.ElementIterator(); it.Next(); {
		key, value := it.Element()
		out = append(out, element{key, value})
	}
	return out
}
