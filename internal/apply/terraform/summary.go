package terraform

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/stagegate/stagegate/internal/change"
)

// summarise says what a plan comes to, for the comparison with another environment's.
func summarise(j *job) (change.Summary, error) {
	plan := j.plan.Plan
	s := change.Summary{Part: j.part.Name(), Kind: change.Terraform, Tool: j.workspace.Tool(), Items: []change.SummaryItem{}}
	for _, r := range managed(plan) {
		s.Items = append(s.Items, change.SummaryItem{Address: address(r), Action: actionOf(r.Change.Actions), Reads: reads(plan.Config, j.config.Locals, r)})
	}
	var err error
	if s.Providers, err = j.workspace.Providers(); err != nil {
		return s, err
	}
	if s.Modules, err = j.workspace.Modules(); err != nil {
		return s, err
	}
	s.Variables, err = variableDigests(plan)
	return s, err
}

// variableDigests leaves out what is declared sensitive: a digest of a short secret can be
// guessed.
func variableDigests(plan *tfjson.Plan) (map[string]change.Digest, error) {
	digests := map[string]change.Digest{}
	for name, v := range plan.Variables {
		if v == nil || declared(plan.Config, name).Sensitive {
			continue
		}
		content, err := json.Marshal(v.Value)
		if err != nil {
			return nil, fmt.Errorf("reading variable %s: %w", name, err)
		}
		h := change.NewHash("terraform variable")
		h.Add(name, content)
		digests[name] = h.Sum()
	}
	return digests, nil
}

func declared(c *tfjson.Config, name string) tfjson.ConfigVariable {
	if c == nil || c.RootModule == nil || c.RootModule.Variables[name] == nil {
		return tfjson.ConfigVariable{}
	}
	return *c.RootModule.Variables[name]
}

// reads are the root module's variables that count and for_each of a resource, and of the
// modules it is in, depend on.
func reads(c *tfjson.Config, locals localsOf, r *tfjson.ResourceChange) []string {
	if c == nil || c.RootModule == nil {
		return nil
	}
	scope := []frame{{module: c.RootModule, locals: locals()}}
	var sources []string
	var names []string
	for _, call := range callsOf(r.ModuleAddress) {
		here := scope[len(scope)-1]
		mc := here.module.ModuleCalls[call]
		if mc == nil || mc.Module == nil {
			return sorted(names)
		}
		names = append(names, rootVariables(scope, mc.CountExpression)...)
		names = append(names, rootVariables(scope, mc.ForEachExpression)...)
		sources = append(sources, mc.Source)
		scope = append(scope, frame{mc.Module, mc.Expressions, locals(sources...)})
	}
	for _, resource := range scope[len(scope)-1].module.Resources {
		if resource.Mode == r.Mode && resource.Type == r.Type && resource.Name == r.Name {
			names = append(names, rootVariables(scope, resource.CountExpression)...)
			names = append(names, rootVariables(scope, resource.ForEachExpression)...)
		}
	}
	return sorted(names)
}

// localsOf finds what the locals of a module read; see terraform.Config.Locals.
type localsOf func(sources ...string) map[string][]string

// frame is a module, and what its variables are set to where it is called.
type frame struct {
	module *tfjson.ConfigModule
	given  map[string]*tfjson.Expression
	locals map[string][]string
}

// rootVariables follows the variables that an expression refers to, up to the root module.
func rootVariables(scope []frame, e *tfjson.Expression) []string {
	if e == nil || e.ExpressionData == nil {
		return nil
	}
	here := scope[len(scope)-1]
	var names []string
	for _, name := range here.variables(e.References, map[string]bool{}) {
		if len(scope) == 1 {
			names = append(names, name)
			continue
		}
		names = append(names, rootVariables(scope[:len(scope)-1], here.given[name])...)
	}
	return names
}

// variables are those of the module that references lead to, through its locals too.
func (f frame) variables(references []string, seen map[string]bool) []string {
	var names []string
	for _, reference := range references {
		root, rest, _ := strings.Cut(reference, ".")
		name, _, _ := strings.Cut(strings.SplitN(rest, "[", 2)[0], ".")
		switch {
		case root == "var":
			names = append(names, name)
		case root == "local" && !seen[name]:
			seen[name] = true
			names = append(names, f.variables(f.locals[name], seen)...)
		}
	}
	return names
}

// callsOf are the names of the module calls in an address: module.a["x"].module.b -> a, b.
func callsOf(address string) []string {
	var calls []string
	for address != "" {
		_, rest, ok := strings.Cut(address, "module.")
		if !ok {
			break
		}
		end := strings.IndexAny(rest, ".[")
		if end < 0 {
			return append(calls, rest)
		}
		calls = append(calls, rest[:end])
		address = skipKey(rest[end:])
	}
	return calls
}

// skipKey skips an instance key, which may hold anything within its quotes.
func skipKey(rest string) string {
	if !strings.HasPrefix(rest, `["`) {
		return rest
	}
	for i := 2; i < len(rest); i++ {
		switch rest[i] {
		case '\\':
			i++
		case '"':
			return rest[i+1:]
		}
	}
	return ""
}

func sorted(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}
