package inspect

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// maxPasses is how many passes through loops are looked at for one call.
const maxPasses = 1000

// calls inspects the functions that are called: those that read files may read those of
// the configuration alone.
func (i *inspector) calls(s *scope, n hclsyntax.Node, address string) {
	found := false
	visitCalls(n, func(call *hclsyntax.FunctionCallExpr) { found = found || ofInterest(functionName(call)) })
	if !found {
		return
	}
	w := &callWalker{inspector: i, scope: s, address: address, loops: []map[string]cty.Value{nil}}
	hclsyntax.Walk(n, w)
}

func ofInterest(name string) bool {
	return slices.Contains(readers, name) || slices.Contains([]string{"templatestring", "abspath", "pathexpand"}, name)
}

// callWalker visits calls with the values of the variables of the loops around them.
type callWalker struct {
	*inspector
	scope   *scope
	address string
	loops   []map[string]cty.Value   // one for each pass; at least one
	outer   [][]map[string]cty.Value // of the loops around
}

// Enter expands loops and inspects calls.
func (w *callWalker) Enter(n hclsyntax.Node) hcl.Diagnostics {
	switch n := n.(type) {
	case *hclsyntax.ForExpr:
		w.outer = append(w.outer, w.loops)
		w.loops = w.passes(n)
	case *hclsyntax.FunctionCallExpr:
		w.call(n)
	}
	return nil
}

// Exit leaves a loop.
func (w *callWalker) Exit(n hclsyntax.Node) hcl.Diagnostics {
	if _, ok := n.(*hclsyntax.ForExpr); ok {
		w.loops = w.outer[len(w.outer)-1]
		w.outer = w.outer[:len(w.outer)-1]
	}
	return nil
}

// passes are the values of a loop's variables in each pass, for each pass of those around.
// Where they are not known, or too many, there is one pass with unknown values.
func (w *callWalker) passes(loop *hclsyntax.ForExpr) []map[string]cty.Value {
	var out []map[string]cty.Value
	for _, around := range w.loops {
		collection := w.scope.evalIn(loop.CollExpr, around)
		elements := elementsOf(collection)
		if !collection.IsKnown() || len(out)+len(elements) > maxPasses {
			return []map[string]cty.Value{pass(w.loops[0], loop, element{cty.DynamicVal, cty.DynamicVal})}
		}
		for _, e := range elements {
			out = append(out, pass(around, loop, e))
		}
	}
	return out
}

// pass has the variables of a loop over those of the loops around it.
func pass(around map[string]cty.Value, loop *hclsyntax.ForExpr, e element) map[string]cty.Value {
	out := map[string]cty.Value{}
	for name := range around {
		out[name] = around[name]
		if !e.value.IsKnown() {
			out[name] = cty.DynamicVal // it stands for all passes of those around, too
		}
	}
	out[loop.ValVar] = e.value
	if loop.KeyVar != "" {
		out[loop.KeyVar] = e.key
	}
	return out
}

func (w *callWalker) call(call *hclsyntax.FunctionCallExpr) {
	name := functionName(call)
	switch {
	case name == "templatestring":
		w.templateString(call)
	case name == "abspath" || name == "pathexpand":
		w.remark(call.NameRange, w.address, "calls "+name+"(), which tells where files lie on the machine that plans")
	case slices.Contains(readers, name) && len(call.Args) > 0 && (!call.ExpandFinal || len(call.Args) > 1):
		for _, pass := range w.loops {
			w.path(call, name, pass)
		}
	case slices.Contains(readers, name):
		w.refuse(call.NameRange, w.address, "calls "+name+"() with a file that only a plan knows", review)
	}
}

// path inspects the path that one call reads.
func (w *callWalker) path(call *hclsyntax.FunctionCallExpr, name string, pass map[string]cty.Value) {
	v := w.scope.evalIn(call.Args[0], pass)
	if !isText(v) {
		w.refuse(call.NameRange, w.address, "calls "+name+"() with a file that only a plan knows: "+w.scope.unknowns(call.Args[0]), review)
		return
	}
	if _, ok := w.holds(v.AsString()); !ok {
		w.refuse(call.NameRange, w.address, "reads "+quote(v.AsString())+", a file outside the configuration, with "+name+"()",
			"keep the file in the directory, or have the change reviewed and check it with --trust")
		return
	}
	if name == "fileset" {
		w.pattern(call, pass)
	}
	if name == "templatefile" {
		e, err := w.template(v.AsString())
		if err != nil {
			w.refuse(call.NameRange, w.address, "uses a template that cannot be read: "+err.Error(), "correct the path or the template")
			return
		}
		w.templateCalls(e)
	}
}

// pattern inspects which files fileset lists.
func (w *callWalker) pattern(call *hclsyntax.FunctionCallExpr, pass map[string]cty.Value) {
	if len(call.Args) < 2 {
		return
	}
	v := w.scope.evalIn(call.Args[1], pass)
	if !isText(v) {
		w.refuse(call.NameRange, w.address, "lists files with fileset() by a pattern that only a plan knows", review)
	} else if _, ok := inside(v.AsString()); !ok || strings.Contains(v.AsString(), "..") { // {../..}/*
		w.refuse(call.NameRange, w.address, "lists files outside the configuration with fileset()", "keep the files in the directory")
	}
}

// templateString inspects a template that is a value.
func (w *callWalker) templateString(call *hclsyntax.FunctionCallExpr) {
	for _, pass := range w.loops {
		var v cty.Value
		if len(call.Args) > 0 {
			v = w.scope.evalIn(call.Args[0], pass)
		}
		if len(call.Args) == 0 || !isText(v) {
			w.refuse(call.NameRange, w.address, "renders a template that only a plan knows, which can read any file", review)
			return
		}
		e, diags := template(v.AsString(), call.NameRange)
		if diags.HasErrors() {
			w.refuse(call.NameRange, w.address, "uses a template that cannot be read", "correct the template")
			return
		}
		w.templateCalls(e)
	}
}

// templateCalls inspects the calls in a template, where only its own variables are known.
func (w *callWalker) templateCalls(e hclsyntax.Expression) {
	visitCalls(e, func(call *hclsyntax.FunctionCallExpr) {
		if !slices.Contains(readers, functionName(call)) && functionName(call) != "templatestring" {
			return
		}
		if len(call.Args) > 0 {
			if _, ok := w.holds(literal(call.Args[0])); ok && literal(call.Args[0]) != "" {
				return
			}
		}
		w.refuse(call.NameRange, w.address, "uses a template that reads a file with "+call.Name+"()", "read the file in the configuration, and hand its content to the template")
	})
}
