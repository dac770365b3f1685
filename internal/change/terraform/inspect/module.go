package inspect

import (
	"errors"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// module is one directory of configuration.
type module struct {
	dir       string // relative to the root, "." for the root itself
	files     []source
	blocks    []*hclsyntax.Block // without tests, overrides merged in
	tests     []*hclsyntax.Block
	variables map[string]*variable
	locals    map[string]hclsyntax.Expression
	providers map[string]requirement // by local name
}

// variable is what a module declares of an input.
type variable struct {
	name      string
	block     *hclsyntax.Block
	typ       cty.Type
	defaults  *typeexpr.Defaults
	sensitive bool
}

// module reads the configuration in a directory.
func (i *inspector) module(dir string) (*module, error) {
	files, err := i.sources(dir)
	if err != nil {
		return nil, err
	}
	m := &module{
		dir: dir, files: files, variables: map[string]*variable{},
		locals: map[string]hclsyntax.Expression{}, providers: map[string]requirement{},
	}
	for _, f := range files {
		m.collect(f)
	}
	var errs []error
	for _, b := range m.blocks {
		errs = append(errs, m.declare(b))
	}
	return m, errors.Join(errs...)
}

func (m *module) collect(f source) {
	// Arguments stand only in blocks; one that does not is wrapped, for the rules to refuse.
	for _, a := range sortedAttributes(f.body) {
		m.blocks = append(m.blocks, &hclsyntax.Block{
			Type: a.Name, Body: &hclsyntax.Body{}, TypeRange: a.NameRange, OpenBraceRange: a.NameRange, CloseBraceRange: a.NameRange,
		})
	}
	for _, b := range f.body.Blocks {
		switch twin := m.find(b); {
		case f.test:
			m.tests = append(m.tests, b)
		case f.override && twin != nil:
			override(twin, b)
		default:
			m.blocks = append(m.blocks, b)
		}
	}
}

// find is the block that an override is laid over.
func (m *module) find(b *hclsyntax.Block) *hclsyntax.Block {
	for _, known := range m.blocks {
		if known.Type == b.Type && slices.Equal(known.Labels, b.Labels) && alias(known) == alias(b) && b.Type != "locals" && b.Type != "terraform" {
			return known
		}
	}
	return nil
}

func alias(b *hclsyntax.Block) string {
	if a, ok := b.Body.Attributes["alias"]; ok && b.Type == "provider" {
		return literal(a.Expr)
	}
	return ""
}

// override lays arguments over those of a block. Nested blocks are added: Terraform would
// put them in the place of others, but what is there twice is inspected twice.
func override(b, over *hclsyntax.Block) {
	for name, a := range over.Body.Attributes {
		b.Body.Attributes[name] = a
	}
	b.Body.Blocks = append(b.Body.Blocks, over.Body.Blocks...)
}

// declare notes variables, locals and required providers. A later one wins, as an
// override does.
func (m *module) declare(b *hclsyntax.Block) error {
	switch b.Type {
	case "variable":
		v, err := declared(b)
		if v != nil {
			m.variables[v.name] = v
		}
		return err
	case "locals":
		for name, a := range b.Body.Attributes {
			m.locals[name] = a.Expr
		}
	case "terraform":
		for _, inner := range b.Body.Blocks {
			if inner.Type == "required_providers" {
				m.require(inner)
			}
		}
	}
	return nil
}

func declared(b *hclsyntax.Block) (*variable, error) {
	if len(b.Labels) != 1 {
		return nil, nil // what is no variable declares none
	}
	v := &variable{name: b.Labels[0], block: b, typ: cty.DynamicPseudoType}
	if a, ok := b.Body.Attributes["sensitive"]; ok {
		value, diags := a.Expr.Value(nil)
		v.sensitive = diags.HasErrors() || !value.RawEquals(cty.False)
	}
	a, ok := b.Body.Attributes["type"]
	if !ok {
		return v, nil
	}
	expr := a.Expr
	if text := literal(expr); text != "" { // in JSON, and in old configurations
		if text == "list" || text == "map" { // of the times before Terraform 0.12
			return v, nil
		}
		parsed, diags := hclsyntax.ParseExpression([]byte(text), a.SrcRange.Filename, a.Expr.Range().Start)
		if diags.HasErrors() {
			return v, problems(diags)
		}
		expr = parsed
	}
	typ, defaults, diags := typeexpr.TypeConstraintWithDefaults(expr)
	if diags.HasErrors() {
		return v, problems(diags)
	}
	v.typ, v.defaults = typ, defaults
	return v, nil
}

// literal is the text of an expression that is a literal, and empty for others.
func literal(e hclsyntax.Expression) string {
	value, diags := e.Value(nil)
	if diags.HasErrors() || !isText(value) {
		return ""
	}
	return value.AsString()
}

// isText tells whether a value is a known text.
func isText(v cty.Value) bool {
	return v.IsKnown() && !v.IsNull() && v.Type() == cty.String
}

func sortedAttributes(b *hclsyntax.Body) []*hclsyntax.Attribute {
	var out []*hclsyntax.Attribute
	for _, a := range b.Attributes {
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b *hclsyntax.Attribute) int { return strings.Compare(a.Name, b.Name) })
	return out
}
