package inspect

import (
	"maps"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// scope evaluates expressions of one instance of a module with what is known without a
// plan. All else is unknown, and so is everything that follows from it.
type scope struct {
	inspector *inspector
	module    *module
	address   string // "module.x[\"a\"]", empty for the root
	inputs    map[string]cty.Value
	locals    map[string]cty.Value // nil values: being evaluated
	instance  map[string]cty.Value // each and count
}

func newScope(i *inspector, m *module, address string, inputs, instance map[string]cty.Value) *scope {
	return &scope{inspector: i, module: m, address: address, inputs: inputs, locals: map[string]cty.Value{}, instance: instance}
}

// with is the scope of one instance of a resource or of a call of a module.
func (s *scope) with(instance map[string]cty.Value) *scope {
	inner := *s
	inner.instance = instance
	return &inner
}

// at is the address of something in this module.
func (s *scope) at(address string) string {
	if s.address == "" {
		return address
	}
	return s.address + "." + address
}

// The limits of what is evaluated: a configuration must not exhaust who inspects it.
const (
	maxLoops  = 2       // nested in one expression
	maxWeight = 4 << 20 // bytes and elements of one value
)

// eval is the value of an expression. What cannot be evaluated is unknown.
func (s *scope) eval(e hclsyntax.Expression) cty.Value {
	return s.evalIn(e, nil)
}

// evalIn evaluates with the variables of loops around the expression.
func (s *scope) evalIn(e hclsyntax.Expression, loops map[string]cty.Value) cty.Value {
	if loopsIn(e) > maxLoops {
		return cty.DynamicVal
	}
	value, diags := e.Value(s.context(e, loops))
	if diags.HasErrors() || weight(value, maxWeight) < 0 {
		return cty.DynamicVal
	}
	return value
}

// context has what the expression refers to.
func (s *scope) context(e hclsyntax.Expression, loops map[string]cty.Value) *hcl.EvalContext {
	variables := maps.Clone(loops)
	if variables == nil {
		variables = map[string]cty.Value{}
	}
	locals := map[string]cty.Value{}
	for _, t := range e.Variables() {
		root := t.RootName()
		if _, known := variables[root]; known && root != "local" {
			continue
		}
		if name := member(t); root == "local" && name != "" {
			locals[name] = s.local(name)
			variables[root] = cty.ObjectVal(locals)
			continue
		}
		variables[root] = s.root(root)
	}
	return &hcl.EvalContext{Variables: variables, Functions: s.functions(e)}
}

// root is what a name at the beginning of a reference stands for.
func (s *scope) root(name string) cty.Value {
	switch name {
	case "var":
		return cty.ObjectVal(s.inputs)
	case "path":
		return cty.ObjectVal(map[string]cty.Value{
			"module": cty.StringVal(s.module.dir), "root": cty.StringVal("."), "cwd": cty.UnknownVal(cty.String),
		})
	case "terraform", "tofu":
		workspace := s.inspector.Workspace
		if workspace == "" {
			workspace = "default"
		}
		return cty.ObjectVal(map[string]cty.Value{"workspace": cty.StringVal(workspace)})
	}
	if value, ok := s.instance[name]; ok {
		return value
	}
	return cty.DynamicVal
}

// local evaluates a local value once. One that refers to itself is unknown.
func (s *scope) local(name string) cty.Value {
	if value, ok := s.locals[name]; ok {
		return value
	}
	e, ok := s.module.locals[name]
	s.locals[name] = cty.DynamicVal
	if ok {
		s.locals[name] = s.with(nil).eval(e)
	}
	return s.locals[name]
}

// functions are those that the expression calls; what is not known here gives an unknown value.
func (s *scope) functions(e hclsyntax.Expression) map[string]function.Function {
	known := s.inspector.functionTable()
	called := map[string]function.Function{}
	visitCalls(e, func(call *hclsyntax.FunctionCallExpr) {
		f, ok := known[functionName(call)]
		if !ok {
			f = unknownFunction
		}
		called[call.Name] = f
	})
	return called
}

func visitCalls(n hclsyntax.Node, visit func(*hclsyntax.FunctionCallExpr)) {
	hclsyntax.VisitAll(n, func(n hclsyntax.Node) hcl.Diagnostics {
		if call, ok := n.(*hclsyntax.FunctionCallExpr); ok {
			visit(call)
		}
		return nil
	})
}

// functionName is the name without the namespace of Terraform's own functions.
func functionName(call *hclsyntax.FunctionCallExpr) string {
	return strings.TrimPrefix(call.Name, "core::")
}

// member is the first attribute of a reference: "x" of local.x.
func member(t hcl.Traversal) string {
	if len(t) < 2 {
		return ""
	}
	if a, ok := t[1].(hcl.TraverseAttr); ok {
		return a.Name
	}
	return ""
}

// unknowns names what an expression refers to that is not known without a plan.
func (s *scope) unknowns(e hclsyntax.Expression) string {
	var names []string
	seen := map[string]bool{}
	for _, t := range e.Variables() {
		ref, diags := t.TraverseAbs(s.context(e, nil))
		name := reference(t)
		if (diags.HasErrors() || !ref.IsWhollyKnown()) && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "an expression that is not evaluated here"
	}
	return strings.Join(names, ", ")
}

// reference is a traversal as it is written, as far as its names go.
func reference(t hcl.Traversal) string {
	parts := []string{t.RootName()}
	for _, step := range t[1:] {
		a, ok := step.(hcl.TraverseAttr)
		if !ok {
			break
		}
		parts = append(parts, a.Name)
	}
	return strings.Join(parts, ".")
}
