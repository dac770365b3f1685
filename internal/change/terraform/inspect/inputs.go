package inspect

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// hiddenValue stands for the value of a sensitive variable in all that is evaluated, so
// that none can show in a report.
const hiddenValue = "(sensitive value)"

// inputs are the values of the root module's variables: those given, then those of the
// files that Terraform reads by itself, the last one first.
func (i *inspector) inputs(root *module) (map[string]cty.Value, error) {
	given := map[string]cty.Value{}
	for _, name := range i.valueFiles() {
		values, err := Values(i.shown(name), i.files[name])
		if err != nil {
			return nil, err
		}
		maps.Copy(given, values)
	}
	maps.Copy(given, i.Variables)
	return i.values(root, given), nil
}

// valueFiles are the files of values that Terraform reads by itself, in its order.
func (i *inspector) valueFiles() []string {
	var automatic []string
	for name := range i.files {
		if path.Dir(name) == "." && (strings.HasSuffix(name, ".auto.tfvars") || strings.HasSuffix(name, ".auto.tfvars.json")) {
			automatic = append(automatic, name)
		}
	}
	slices.Sort(automatic)
	var all []string
	for _, name := range append([]string{"terraform.tfvars", "terraform.tfvars.json"}, automatic...) {
		if _, ok := i.files[name]; ok {
			all = append(all, name)
		}
	}
	return all
}

// Values reads a file of values of variables (*.tfvars, *.tfvars.json).
func Values(name string, content []byte) (map[string]cty.Value, error) {
	isJSON := strings.HasSuffix(name, ".json")
	if err := Simple(content, name, !isJSON); err != nil {
		return nil, err
	}
	parse := hclsyntax.ParseConfig
	if isJSON {
		parse = func(src []byte, filename string, _ hcl.Pos) (*hcl.File, hcl.Diagnostics) {
			return hcljson.Parse(src, filename)
		}
	}
	file, diags := parse(content, name, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, problems(diags)
	}
	attributes, diags := file.Body.JustAttributes()
	values := map[string]cty.Value{}
	for name, a := range attributes {
		value, more := a.Expr.Value(nil)
		values[name], diags = value, append(diags, more...)
	}
	if diags.HasErrors() {
		return nil, problems(diags)
	}
	return values, nil
}

// values are the values of a module's variables: given, by default, or unknown.
func (i *inspector) values(m *module, given map[string]cty.Value) map[string]cty.Value {
	out := map[string]cty.Value{}
	for name, v := range m.variables {
		value, ok := given[name]
		if !ok {
			value = v.byDefault()
		}
		out[name] = v.fit(value)
	}
	return out
}

func (v *variable) byDefault() cty.Value {
	if a, ok := v.block.Body.Attributes["default"]; ok {
		if value, diags := a.Expr.Value(nil); !diags.HasErrors() {
			return value
		}
	}
	return cty.DynamicVal
}

// fit converts a value to the variable's type. One that does not fit is unknown: Terraform
// refuses it, and says why, when a plan is made.
func (v *variable) fit(value cty.Value) cty.Value {
	if v.defaults != nil && value.IsKnown() && !value.IsNull() {
		value = v.defaults.Apply(value)
	}
	converted, err := convert.Convert(value, v.typ)
	if err != nil {
		return cty.DynamicVal
	}
	if !v.sensitive || converted.IsNull() {
		return converted
	}
	if converted.Type() == cty.String {
		return cty.StringVal(hiddenValue)
	}
	return cty.DynamicVal
}
