package inspect

import (
	"strconv"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// maxInstances is how many instances of one resource are looked at.
const maxInstances = 1000

// instance is one of a resource or of a called module.
type instance struct {
	key   string // `["a"]`, `[0]` or empty, as in addresses
	scope *scope
}

// instances are those that for_each or count ask for. They are not known where that
// follows from what only a plan knows; then there is one with unknown values, which
// stands for all. It does so too where there is none, since Terraform validates it.
func (s *scope) instances(b *hclsyntax.Block) (all []instance, known bool) {
	if a, ok := b.Body.Attributes["for_each"]; ok {
		return s.each(s.eval(a.Expr))
	}
	if a, ok := b.Body.Attributes["count"]; ok {
		return s.count(s.eval(a.Expr))
	}
	return []instance{{scope: s}}, true
}

// nameless is the instance that stands for those that are not known.
func (s *scope) nameless() []instance { return []instance{{scope: s.with(nil)}} }

// visits are the instances to inspect: where there is none, the nameless one.
func (s *scope) visits(instances []instance) []instance {
	if len(instances) == 0 {
		return s.nameless()
	}
	return instances
}

func (s *scope) each(v cty.Value) ([]instance, bool) {
	elements := elementsOf(v)
	if !v.IsKnown() || v.IsNull() || len(elements) > maxInstances {
		return s.nameless(), false
	}
	var all []instance
	for _, e := range elements {
		if v.Type().IsSetType() {
			e.key = e.value
		}
		if !isText(e.key) {
			return s.nameless(), false
		}
		each := cty.ObjectVal(map[string]cty.Value{"key": e.key, "value": e.value})
		all = append(all, instance{"[" + quote(e.key.AsString()) + "]", s.with(map[string]cty.Value{"each": each})})
	}
	return all, true
}

func (s *scope) count(v cty.Value) ([]instance, bool) {
	if !v.IsKnown() || v.IsNull() || v.Type() != cty.Number {
		return s.nameless(), false
	}
	n, _ := v.AsBigFloat().Int64()
	if n < 0 || n > maxInstances {
		return s.nameless(), false
	}
	var all []instance
	for index := range n {
		count := cty.ObjectVal(map[string]cty.Value{"index": cty.NumberIntVal(index)})
		all = append(all, instance{"[" + strconv.FormatInt(index, 10) + "]", s.with(map[string]cty.Value{"count": count})})
	}
	return all, true
}

// number is the expression that decides how many instances there are.
func number(b *hclsyntax.Block) hclsyntax.Expression {
	for _, name := range []string{"for_each", "count"} {
		if a, ok := b.Body.Attributes[name]; ok {
			return a.Expr
		}
	}
	return &hclsyntax.LiteralValueExpr{Val: cty.True}
}
