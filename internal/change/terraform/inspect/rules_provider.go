package inspect

import (
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Settings of providers and backends that run a program, name a file that may say which
// program to run, or send credentials elsewhere. They are looked for at any depth.
var (
	commandSettings = []string{"exec"}
	fileSettings    = []string{"config_path", "config_paths", "shared_config_files", "shared_credentials_files", "shared_credentials_file", "shared_config_file", "credential_helper"}
	addressSettings = []string{"endpoints", "endpoint", "address", "http_proxy", "https_proxy", "proxy_url"}
)

// provider inspects a provider block.
func (i *inspector) provider(s *scope, b *hclsyntax.Block) {
	if len(b.Labels) != 1 {
		i.refuse(b.DefRange(), s.at("provider"), "has no name", "write provider \"NAME\"")
		return
	}
	i.allowed(s, b.Labels[0], place(b.DefRange()))
	i.configuration(s, b.Body, s.at(written(b)))
}

// configuration inspects what a provider or a backend is set to.
func (i *inspector) configuration(s *scope, body hclsyntax.Node, address string) {
	named(body, func(name string, r hcl.Range, value hclsyntax.Node) {
		switch {
		case slices.Contains(commandSettings, name):
			i.command(s, r, address, value)
		case slices.Contains(fileSettings, name):
			i.settingsFile(s, r, address, name, value)
		case slices.Contains(addressSettings, name):
			i.remark(r, address, "sends its requests, and maybe credentials, to an address that the configuration sets ("+name+")")
		}
	})
}

// command inspects a credential command: {command = "aws", args = […]}.
func (i *inspector) command(s *scope, r hcl.Range, address string, value hclsyntax.Node) {
	program := ""
	named(value, func(name string, _ hcl.Range, value hclsyntax.Node) {
		if e, ok := value.(hclsyntax.Expression); ok && name == "command" {
			if v := s.eval(e); isText(v) {
				program = v.AsString()
			}
		}
	})
	switch {
	case program == "":
		i.refuse(r, address, "runs a program for its credentials that only a plan knows", review)
	case !slices.Contains(i.Allow.Commands, program):
		i.refuse(r, address, "runs the program "+quote(program)+" for its credentials; allowed are "+list(i.Allow.Commands),
			"take it out, or add it to spec.terraform.allow.commands of the environment")
	}
}

// settingsFile inspects a file that may name programs to run. Those of the user are the
// user's own; those of the change are not.
func (i *inspector) settingsFile(s *scope, r hcl.Range, address, name string, value hclsyntax.Node) {
	e, ok := value.(hclsyntax.Expression)
	if !ok {
		return
	}
	v := s.eval(e)
	if !v.IsWhollyKnown() {
		i.refuse(r, address, "reads settings ("+name+") from a file that only a plan knows, which can name programs to run", review)
		return
	}
	for _, p := range texts(v) {
		if _, own := inside(p); own && p != "" {
			i.refuse(r, address, "reads settings ("+name+") from "+p+", a file of the change, which can name programs to run", review)
		}
	}
}

// texts are the texts in a value: itself, or its elements.
func texts(v cty.Value) []string {
	if isText(v) {
		return []string{v.AsString()}
	}
	var out []string
	for _, e := range elementsOf(v) {
		out = append(out, texts(e.value)...)
	}
	return out
}

// named visits every argument, nested block and key of an object, at any depth.
func named(n hclsyntax.Node, visit func(name string, r hcl.Range, value hclsyntax.Node)) {
	hclsyntax.VisitAll(n, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.Attribute:
			visit(n.Name, n.NameRange, n.Expr)
		case *hclsyntax.Block:
			name := n.Type
			if name == "dynamic" && len(n.Labels) > 0 {
				name = n.Labels[0]
			}
			visit(name, n.TypeRange, n.Body)
		case *hclsyntax.ObjectConsExpr:
			for _, item := range n.Items {
				if key := keyOf(item); key != "" {
					visit(key, item.KeyExpr.Range(), item.ValueExpr)
				}
			}
		}
		return nil
	})
}

// keyOf is the key of an object where it is written out.
func keyOf(item hclsyntax.ObjectConsItem) string {
	if word := hcl.ExprAsKeyword(item.KeyExpr); word != "" {
		return word
	}
	return literal(item.KeyExpr)
}

func quote(s string) string { return strconv.Quote(s) }
