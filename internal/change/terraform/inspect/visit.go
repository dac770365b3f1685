package inspect

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// review ends what is refused since it runs code.
const review = "take it out, or have the change reviewed and check it with --trust"

// The limits of how many modules are visited.
const (
	maxDepth   = 20
	maxModules = 1000
)

func (i *inspector) refuse(r hcl.Range, address, what, remedy string) {
	i.add(Finding{Severity: Refused, Place: place(r), Address: address, What: what, Remedy: remedy})
}

func (i *inspector) unclear(r hcl.Range, address, what, remedy string) {
	i.add(Finding{Severity: Unclear, Place: place(r), Address: address, What: what, Remedy: remedy})
}

func (i *inspector) remark(r hcl.Range, address, what string) {
	i.add(Finding{Severity: Remark, Place: place(r), Address: address, What: what})
}

// visit inspects one instance of a module, and those that it calls.
func (i *inspector) visit(s *scope) {
	if i.visited++; i.visited > maxModules {
		if i.visited == maxModules+1 {
			i.errs = append(i.errs, fmt.Errorf("%s: more than %d modules, too many to inspect: name a smaller configuration", i.shown(s.module.dir), maxModules))
		}
		return
	}
	for _, b := range s.module.blocks {
		i.block(s, b)
	}
	for _, b := range s.module.tests {
		i.test(s, b)
	}
}

// block inspects one block at the top of a file.
func (i *inspector) block(s *scope, b *hclsyntax.Block) {
	switch b.Type {
	case "terraform":
		i.settings(s, b)
	case "provider":
		i.provider(s, b)
	case "resource", "data", "ephemeral":
		i.resource(s, b)
		return // its calls are looked at for each instance
	case "module":
		i.call(s, b)
		return
	case "check":
		for _, inner := range b.Body.Blocks {
			if inner.Type == "data" {
				i.resource(s, inner)
			}
		}
	case "removed":
		i.commands(b, s.at(written(b)))
	case "variable", "locals", "output", "import", "moved":
	default:
		i.refuse(b.DefRange(), s.at(written(b)), "is no block that is known here, so what it would do cannot be told", review)
	}
	i.calls(s, b.Body, s.at(written(b)))
}

// test inspects a block of a test file: making ready to plan fetches what tests use.
func (i *inspector) test(s *scope, b *hclsyntax.Block) {
	if b.Type == "provider" {
		i.provider(s, b)
	}
	for _, inner := range b.Body.Blocks {
		if b.Type == "run" && inner.Type == "module" {
			i.testModule(s, inner)
		}
	}
}

func (i *inspector) testModule(s *scope, b *hclsyntax.Block) {
	a, ok := b.Body.Attributes["source"]
	if !ok {
		return
	}
	source := literal(a.Expr)
	if !isLocal(source) && !i.Allow.module(source) {
		i.foreign(a.SrcRange, s.at("module of a test"), source)
	}
}

// written is a block as people name it: "data.external.token", "provider.aws".
func written(b *hclsyntax.Block) string {
	labels := strings.Join(b.Labels, ".")
	switch {
	case labels == "":
		return b.Type
	case b.Type == "resource":
		return labels
	}
	return b.Type + "." + labels
}
