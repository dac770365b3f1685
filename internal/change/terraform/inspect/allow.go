package inspect

import (
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// requirement is a provider that a module requires, by its source.
type requirement struct {
	source string // as written; empty where it is left out
	place  string
}

// The hosts of the registries that a source without a host is of.
var registries = []string{"registry.terraform.io", "registry.opentofu.org"}

// builtin are the sources of what is part of Terraform itself.
const builtin = "terraform.io/builtin/terraform"

// external runs any program: its name has to be written out to be allowed.
const external = "hashicorp/external"

// require notes the entries of a required_providers block.
func (m *module) require(b *hclsyntax.Block) {
	for _, a := range sortedAttributes(b.Body) {
		r := requirement{place: place(a.NameRange)}
		if object, ok := a.Expr.(*hclsyntax.ObjectConsExpr); ok {
			for _, item := range object.Items {
				if literal(item.KeyExpr) == "source" {
					r.source = literal(item.ValueExpr)
					if r.source == "" {
						r.source = "(not a literal)"
					}
				}
			}
		}
		m.providers[a.Name] = r
	}
}

// sourceOf is the source of a provider by its local name, and where that is said.
func (m *module) sourceOf(local, used string) (source, where string) {
	r, ok := m.providers[local]
	if !ok {
		r.place = used
	}
	if r.source != "" {
		return normal(r.source), r.place
	}
	if local == "terraform" {
		return builtin, r.place
	}
	return "hashicorp/" + local, r.place
}

// normal is a source without the host of the public registries, in lower case.
func normal(source string) string {
	source = strings.ToLower(source)
	if !strings.Contains(source, "/") {
		return "hashicorp/" + source
	}
	for _, host := range registries {
		if rest, ok := strings.CutPrefix(source, host+"/"); ok {
			return rest
		}
	}
	return source
}

// provider tells whether a provider may run.
func (a Allow) provider(source string) bool {
	if source == builtin {
		return true
	}
	return slices.ContainsFunc(a.Providers, func(pattern string) bool {
		pattern = normal(pattern)
		if source == external {
			return pattern == external
		}
		ok, err := path.Match(pattern, source)
		return err == nil && ok
	})
}

// module tells whether a module from outside may be used: each part of the pattern has to
// match that part of the source.
func (a Allow) module(source string) bool {
	if strings.Contains(source, "..") {
		return false
	}
	for _, host := range registries {
		source = strings.TrimPrefix(source, host+"/")
	}
	return slices.ContainsFunc(a.Modules, func(pattern string) bool {
		want, have := strings.Split(strings.TrimSuffix(pattern, "/"), "/"), strings.Split(source, "/")
		if len(have) < len(want) {
			return false
		}
		for n := range want {
			if ok, err := path.Match(want[n], have[n]); err != nil || !ok {
				return false
			}
		}
		return true
	})
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
