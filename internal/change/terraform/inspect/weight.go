package inspect

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// weight takes the bytes of texts and the number of elements of a value from a budget. What
// is left is negative where the value is larger.
func weight(v cty.Value, budget int) int {
	budget--
	if budget < 0 || !v.IsKnown() || v.IsNull() {
		return budget
	}
	if v.Type() == cty.String {
		return budget - len(v.AsString())
	}
	if !v.CanIterateElements() {
		return budget
	}
	for it := v.ElementIterator(); it.Next() && budget >= 0; {
		key, element := it.Element()
		if key.Type() == cty.String && key.IsKnown() {
			budget -= len(key.AsString())
		}
		budget = weight(element, budget)
	}
	return budget
}

// loopsIn is how deep loops are nested in an expression.
func loopsIn(e hclsyntax.Expression) int {
	var w loopWalker
	hclsyntax.Walk(e, &w)
	return w.deepest
}

type loopWalker struct{ depth, deepest int }

func (w *loopWalker) Enter(n hclsyntax.Node) hcl.Diagnostics {
	if _, ok := n.(*hclsyntax.ForExpr); ok {
		w.depth++
		w.deepest = max(w.deepest, w.depth)
	}
	return nil
}

func (w *loopWalker) Exit(n hclsyntax.Node) hcl.Diagnostics {
	if _, ok := n.(*hclsyntax.ForExpr); ok {
		w.depth--
	}
	return nil
}
