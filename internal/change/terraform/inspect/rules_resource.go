package inspect

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// programs are types that run a program by what they are, by mode and type.
var programs = map[string]string{
	"data.external":      "runs a program whenever a plan is made",
	"data.local_command": "runs a program whenever a plan is made",
}

// paths are arguments of data sources that name files to be read or written when a plan is made.
var paths = map[string][]string{
	"data.local_file":             {"filename"},
	"data.local_sensitive_file":   {"filename"},
	"data.archive_file":           {"source_file", "source_dir", "output_path"},
	"data.kubectl_path_documents": {"pattern"},
	"data.kubectl_filename_list":  {"pattern"},
	"data.template_dir":           {"source_dir", "destination_dir"},
}

// resource inspects a resource, a data source or an ephemeral resource.
func (i *inspector) resource(s *scope, b *hclsyntax.Block) {
	if len(b.Labels) != 2 {
		i.refuse(b.DefRange(), s.at(b.Type), "has not a type and a name", "write "+b.Type+` "TYPE" "NAME"`)
		return
	}
	address := s.at(written(b))
	kind := b.Type + "." + b.Labels[0]
	why, runs := programs[kind]
	if runs {
		i.refuse(b.DefRange(), address, why, review)
	} else {
		i.allowed(s, providerOf(b), place(b.DefRange()))
	}
	if kind == "data.http" {
		i.remark(b.DefRange(), address, "sends a request when a plan is made")
	}
	if kind == "data.terraform_remote_state" {
		i.remoteState(s, b, address)
	}
	i.commands(b, address)
	instances, known := s.instances(b)
	visits := s.visits(instances)
	for _, one := range visits {
		i.calls(one.scope, b.Body, address+one.key)
		i.paths(one.scope, b, kind, address+one.key)
	}
	i.model(s, b, instances, known)
}

// providerOf is the local name of the provider of a resource.
func providerOf(b *hclsyntax.Block) string {
	if a, ok := b.Body.Attributes["provider"]; ok {
		if t, diags := hcl.AbsTraversalForExpr(a.Expr); !diags.HasErrors() {
			return t.RootName()
		}
		name, _, _ := strings.Cut(literal(a.Expr), ".") // as JSON has it
		if name != "" {
			return name
		}
		return "(not a literal)"
	}
	name, _, _ := strings.Cut(b.Labels[0], "_")
	return name
}

// commands inspects what runs programs in any block: provisioners, connections, and the
// post-renderer of a Helm release.
func (i *inspector) commands(b *hclsyntax.Block, address string) {
	named(b.Body, func(name string, r hcl.Range, _ hclsyntax.Node) {
		switch name {
		case "provisioner":
			i.refuse(r, address, "has a provisioner"+provisionerAt(b, r)+", which runs commands or copies files when the change is applied", review)
		case "connection":
			i.refuse(r, address, "has a connection, with which provisioners log in to machines", review)
		case "postrender":
			i.refuse(r, address, "runs a program over what the chart renders", review)
		}
	})
}

// provisionerAt is the name of the provisioner whose block begins at a place.
func provisionerAt(b *hclsyntax.Block, r hcl.Range) string {
	for _, inner := range b.Body.Blocks {
		if inner.Type == "provisioner" && inner.TypeRange == r && len(inner.Labels) > 0 {
			return " " + inner.Labels[0]
		}
	}
	return ""
}

// remoteState inspects the reading of another configuration's state.
func (i *inspector) remoteState(s *scope, b *hclsyntax.Block, address string) {
	kind := "that only a plan knows"
	if a, ok := b.Body.Attributes["backend"]; ok {
		if v := s.eval(a.Expr); isText(v) {
			kind = v.AsString()
		}
	}
	i.storage(s, b.Body, kind, address, b)
}

// paths inspects arguments that name files.
func (i *inspector) paths(s *scope, b *hclsyntax.Block, kind, address string) {
	for _, name := range paths[kind] {
		a, ok := b.Body.Attributes[name]
		if !ok {
			continue
		}
		v := s.eval(a.Expr)
		if !isText(v) {
			i.refuse(a.SrcRange, address, "names a file ("+name+") that only a plan knows: "+s.unknowns(a.Expr), review)
		} else if _, ok := inside(v.AsString()); !ok {
			i.refuse(a.SrcRange, address, "names a file outside the configuration ("+name+" = "+quote(v.AsString())+")", "keep it in the directory, or have the change reviewed and check it with --trust")
		}
	}
}
