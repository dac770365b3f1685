package inspect

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/rendered"
	kinds "github.com/stagegate/stagegate/internal/change/scope"
	"github.com/stagegate/stagegate/internal/change/tree"
	"github.com/stagegate/stagegate/internal/config"
)

// Source gives the files of a part, by their paths relative to its root module.
type Source func(change.Part) ([]tree.File, error)

// Inspector inspects parts as the environment has them planned: with its variables, its
// files of values, its workspace and its list of what is allowed.
func Inspector(env *config.Environment, files Source) change.Inspector {
	return func(_ context.Context, part change.Part, target change.Target) (*change.Inspection, error) {
		o, err := optionsOf(env, part.Name())
		if err != nil {
			return nil, err
		}
		list, err := files(part)
		if err != nil {
			return nil, err
		}
		result, err := Files(list, o)
		if err != nil {
			return nil, err
		}
		return result.inspection(target), nil
	}
}

func optionsOf(env *config.Environment, name string) (Options, error) {
	t := env.Terraform
	o := Options{
		Name: name, Tofu: t.Binary == "tofu", Workspace: t.Workspace,
		Allow:     Allow{Providers: t.Allow.Providers, Modules: t.Allow.Modules, Commands: t.Allow.Commands},
		Variables: map[string]cty.Value{},
	}
	for _, file := range t.VarFiles {
		file = env.Path(file)
		content, err := os.ReadFile(file)
		if err != nil {
			return o, fmt.Errorf("reading spec.terraform.varFiles: %w", err)
		}
		values, err := Values(file, content)
		if err != nil {
			return o, err
		}
		maps.Copy(o.Variables, values)
	}
	for name, value := range env.Variables {
		converted, err := valueOf(value)
		if err != nil {
			return o, fmt.Errorf("%s: spec.variables.%s: %w", env.File, name, err)
		}
		o.Variables[name] = converted
	}
	// A run sets these to files of its own, outside of the change.
	for _, name := range []string{"kubeconfig", "kubeconfig_path"} {
		o.Variables[name] = cty.StringVal("/stagegate/kubeconfig")
	}
	o.Variables["cluster_name"] = cty.StringVal(env.ClusterName)
	return o, nil
}

// valueOf is a value of an environment file as Terraform gets it.
func valueOf(value any) (cty.Value, error) {
	content, err := json.Marshal(value)
	if err != nil {
		return cty.NilVal, err
	}
	t, err := ctyjson.ImpliedType(content)
	if err != nil {
		return cty.NilVal, err
	}
	return ctyjson.Unmarshal(content, t)
}

// inspection is the result in the words of changes; objects without a namespace go where
// the providers put them.
func (r *Result) inspection(target change.Target) *change.Inspection {
	out := &change.Inspection{Objects: r.Objects}
	kinds.With(target.Known, out.Objects).Place(out.Objects, rendered.DefaultNamespace)
	for _, f := range r.Findings {
		switch f.Severity {
		case Refused:
			out.Refused = append(out.Refused, f.String())
		case Unclear:
			out.Unclear = append(out.Unclear, f.String())
		case Remark:
			out.Remarks = append(out.Remarks, f.String())
		}
	}
	return out
}
