package inspect

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// JSON does not say what is a block and what an argument: that depends on what Terraform
// expects. So the blocks that Terraform itself knows are told apart here; what only a
// provider knows stays an argument, whose value is an object.

func labelled(labels int, types ...string) []hcl.BlockHeaderSchema {
	names := []string{"type", "name"}
	var out []hcl.BlockHeaderSchema
	for _, t := range types {
		out = append(out, hcl.BlockHeaderSchema{Type: t, LabelNames: names[:labels]})
	}
	return out
}

func join(lists ...[]hcl.BlockHeaderSchema) []hcl.BlockHeaderSchema {
	var out []hcl.BlockHeaderSchema
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// blocksIn are the blocks that can stand in a block of Terraform's own; "" is the file.
func blocksIn(block string) []hcl.BlockHeaderSchema {
	switch block {
	case "":
		return join(labelled(0, "terraform", "locals", "import", "moved", "removed"),
			labelled(1, "variable", "output", "provider", "module", "check"),
			labelled(2, "resource", "data", "ephemeral", "action"))
	case "test":
		return join(labelled(0, "variables", "test"), labelled(1, "run", "provider", "mock_provider"),
			labelled(0, "override_resource", "override_data", "override_module"))
	case "run":
		return labelled(0, "module", "plan_options", "variables", "assert", "providers")
	case "terraform":
		return join(labelled(0, "required_providers", "cloud", "encryption"), labelled(1, "backend", "provider_meta"))
	case "resource", "removed":
		return join(labelled(0, "lifecycle", "connection"), labelled(1, "provisioner", "dynamic"))
	case "data", "ephemeral", "module", "provider":
		return join(labelled(0, "lifecycle"), labelled(1, "dynamic"))
	case "provisioner":
		return labelled(0, "connection")
	case "check":
		return join(labelled(2, "data"), labelled(0, "assert"))
	case "variable":
		return labelled(0, "validation")
	}
	return nil
}

// lower turns a JSON file into native form.
func lower(file hcl.Body, test bool) (*hclsyntax.Body, error) {
	top := ""
	if test {
		top = "test"
	}
	body, diags := lowerBody(file, top)
	if diags.HasErrors() {
		return nil, problems(diags)
	}
	return body, nil
}

func lowerBody(in hcl.Body, kind string) (*hclsyntax.Body, hcl.Diagnostics) {
	content, rest, diags := in.PartialContent(&hcl.BodySchema{Blocks: blocksIn(kind)})
	out := &hclsyntax.Body{Attributes: hclsyntax.Attributes{}, SrcRange: in.MissingItemRange(), EndRange: in.MissingItemRange()}
	for _, b := range content.Blocks {
		body, more := lowerBody(b.Body, b.Type)
		diags = append(diags, more...)
		out.Blocks = append(out.Blocks, &hclsyntax.Block{
			Type: b.Type, Labels: b.Labels, Body: body, TypeRange: b.DefRange, LabelRanges: b.LabelRanges,
			OpenBraceRange: b.DefRange, CloseBraceRange: b.DefRange,
		})
	}
	attributes, more := rest.JustAttributes()
	diags = append(diags, more...)
	for name, a := range attributes {
		expr, more := lowerExpression(a.Expr)
		diags = append(diags, more...)
		out.Attributes[name] = &hclsyntax.Attribute{Name: name, Expr: expr, SrcRange: a.Range, NameRange: a.NameRange}
	}
	return out, diags
}

// lowerExpression turns a JSON value into the expression that it means: texts are templates.
func lowerExpression(e hcl.Expression) (hclsyntax.Expression, hcl.Diagnostics) {
	if pairs, diags := hcl.ExprMap(e); !diags.HasErrors() {
		return lowerObject(pairs, e.Range())
	}
	if items, diags := hcl.ExprList(e); !diags.HasErrors() {
		out := &hclsyntax.TupleConsExpr{SrcRange: e.Range(), OpenRange: e.StartRange()}
		var all hcl.Diagnostics
		for _, item := range items {
			value, diags := lowerExpression(item)
			out.Exprs, all = append(out.Exprs, value), append(all, diags...)
		}
		return out, all
	}
	value, diags := e.Value(nil) // without a context texts are themselves
	if diags.HasErrors() || value.IsNull() || !isText(value) {
		return &hclsyntax.LiteralValueExpr{Val: value, SrcRange: e.Range()}, diags
	}
	return template(value.AsString(), e.Range())
}

func lowerObject(pairs []hcl.KeyValuePair, r hcl.Range) (hclsyntax.Expression, hcl.Diagnostics) {
	out := &hclsyntax.ObjectConsExpr{SrcRange: r, OpenRange: r}
	var all hcl.Diagnostics
	for _, pair := range pairs {
		key, diags := lowerExpression(pair.Key)
		value, more := lowerExpression(pair.Value)
		all = append(append(all, diags...), more...)
		out.Items = append(out.Items, hclsyntax.ObjectConsItem{KeyExpr: key, ValueExpr: value})
	}
	return out, all
}

// template parses a text with ${…} in it. Lines are those of the text's beginning.
func template(text string, r hcl.Range) (hclsyntax.Expression, hcl.Diagnostics) {
	tokens, _ := hclsyntax.LexTemplate([]byte(text), r.Filename, r.Start) // what is wrong, the parser says
	if err := nested(tokens, r.Filename); err != nil {
		return &hclsyntax.LiteralValueExpr{SrcRange: r}, hcl.Diagnostics{{
			Severity: hcl.DiagError, Summary: "Template", Detail: err.Error(), Subject: &r,
		}}
	}
	return hclsyntax.ParseTemplate([]byte(text), r.Filename, r.Start)
}
