package inspect

import (
	"path"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// call inspects the call of a module, and the module where it is a local one.
func (i *inspector) call(s *scope, b *hclsyntax.Block) {
	address := s.at(written(b))
	instances, known := s.instances(b)
	visits := s.visits(instances)
	for _, one := range visits {
		i.calls(one.scope, b.Body, address+one.key)
	}
	a, ok := b.Body.Attributes["source"]
	if !ok || len(b.Labels) != 1 {
		i.refuse(b.DefRange(), address, "has no name or no source", "write module \"NAME\" with a source")
		return
	}
	v := s.eval(a.Expr)
	switch {
	case !isText(v):
		i.refuse(a.SrcRange, address, "has a source that only a plan knows", "write the source out")
	case !isLocal(v.AsString()):
		i.outside(a.SrcRange, address, v.AsString())
	default:
		i.follow(s, b, a.SrcRange, v.AsString(), visits, known)
	}
}

func isLocal(source string) bool {
	for _, prefix := range []string{"./", "../", `.\`, `..\`} {
		if strings.HasPrefix(source, prefix) {
			return true
		}
	}
	return source == "." || source == ".."
}

// outside is a module that is fetched from somewhere.
func (i *inspector) outside(r hcl.Range, address, source string) {
	if !i.Allow.module(source) {
		i.foreign(r, address, source)
		return
	}
	i.remark(r, address, "comes from "+source+", which is allowed and is not read here: what it makes is not modelled")
}

func (i *inspector) foreign(r hcl.Range, address, source string) {
	i.refuse(r, address, "comes from "+quote(source)+", outside the configuration; allowed are "+list(i.Allow.Modules),
		"keep it in the directory, or add it to spec.terraform.allow.modules of the environment")
}

// follow visits a local module, once for each instance.
func (i *inspector) follow(s *scope, b *hclsyntax.Block, r hcl.Range, source string, instances []instance, known bool) {
	address := s.at(written(b))
	dir := path.Join(s.module.dir, strings.ReplaceAll(source, `\`, "/"))
	if strings.Count(s.address, "module.") >= maxDepth {
		i.refuse(r, address, "is called more than 20 modules deep", "call it from fewer")
		return
	}
	m, err := i.cached(dir)
	if err != nil {
		i.errs = append(i.errs, err)
		return
	}
	if len(m.files) == 0 {
		i.refuse(r, address, "comes from "+quote(source)+", where this repository (or, in none, this directory) has no configuration", "correct the source, or have the change reviewed and check it with --trust")
		return
	}
	if !known {
		i.unclear(b.DefRange(), address, "is called a number of times that only a plan knows: "+s.unknowns(number(b)), usePlan)
	}
	for _, one := range instances {
		given := map[string]cty.Value{}
		for name, a := range b.Body.Attributes {
			given[name] = one.scope.eval(a.Expr)
		}
		i.visit(newScope(i, m, address+one.key, i.values(m, given), nil))
	}
}

// cached reads a module once.
func (i *inspector) cached(dir string) (*module, error) {
	if m, ok := i.modules[dir]; ok {
		return m, nil
	}
	m, err := i.module(dir)
	if err == nil {
		i.modules[dir] = m
	}
	return m, err
}
