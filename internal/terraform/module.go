package terraform

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclparse"

	static "github.com/stagegate/stagegate/internal/change/terraform/inspect"
)

// Module is what a module declares, as far as it has to be known before Terraform runs.
type Module struct {
	Variables map[string]Variable
	// Required are the version constraints of required_version.
	Required []string
	// Backend is the type of the backend block; empty where there is none.
	Backend string
	// OwnPath is true where a local backend says itself where the state is.
	OwnPath bool
	// Cloud is true where there is a cloud block.
	Cloud bool
	Calls []Call
	// Locals are the variables and other locals ("var.x", "local.y") that each local reads.
	Locals map[string][]string
}

// Variable is a declared variable.
type Variable struct {
	Sensitive bool
	Ephemeral bool // in no plan: it is given again when that is applied
	Default   any
}

// Call is a call of another module.
type Call struct {
	Name   string
	Source string // as written; empty where it is no literal
	Range  hcl.Range
}

// Local tells whether the module lies in a directory that the source names.
func (c Call) Local() bool {
	return strings.HasPrefix(c.Source, "./") || strings.HasPrefix(c.Source, "../")
}

// parse reads what the module in a directory declares. Override files come last, as
// Terraform reads them.
func (c *Config) parse(dir string) (*Module, error) {
	m := &Module{Variables: map[string]Variable{}, Locals: map[string][]string{}}
	parser := hclparse.NewParser()
	prefix, err := filepath.Rel(c.Root, dir)
	if err != nil {
		return nil, fmt.Errorf("reading the Terraform configuration: %w", err)
	}
	var normal, overrides []int
	for i, f := range c.Files {
		if path.Dir(f.Name) != filepath.ToSlash(prefix) || !isSource(f.Name) {
			continue
		}
		if isOverride(path.Base(f.Name)) {
			overrides = append(overrides, i)
		} else {
			normal = append(normal, i)
		}
	}
	for _, i := range slices.Concat(normal, overrides) {
		f, shown := c.Files[i], c.show(filepath.Join(c.Root, filepath.FromSlash(c.Files[i].Name)))
		if err := static.Simple(f.Content, shown, !strings.HasSuffix(f.Name, ".json")); err != nil {
			return nil, err
		}
		var file *hcl.File
		var diagnostics hcl.Diagnostics
		if strings.HasSuffix(f.Name, ".json") {
			file, diagnostics = parser.ParseJSON(f.Content, shown)
		} else {
			file, diagnostics = parser.ParseHCL(f.Content, shown)
		}
		if !diagnostics.HasErrors() {
			diagnostics = m.add(file)
		}
		if diagnostics.HasErrors() {
			return nil, explain(diagnostics)
		}
	}
	return m, nil
}

func isOverride(name string) bool {
	stem, _, _ := strings.Cut(name, ".")
	return stem == "override" || strings.HasSuffix(stem, "_override")
}

// explain writes diagnostics as one error a line: file:line, what is wrong, and why.
func explain(diagnostics hcl.Diagnostics) error {
	var errs []error
	for _, d := range diagnostics {
		if d.Severity != hcl.DiagError {
			continue
		}
		place := ""
		if d.Subject != nil {
			place = fmt.Sprintf("%s:%d: ", d.Subject.Filename, d.Subject.Start.Line)
		}
		errs = append(errs, fmt.Errorf("%s%s: %s", place, strings.ToLower(strings.TrimSuffix(d.Summary, ".")), strings.TrimSuffix(d.Detail, ".")))
	}
	return errors.Join(errs...)
}

// body names a schema of blocks and attributes.
func body(blocks []hcl.BlockHeaderSchema, attributes ...string) *hcl.BodySchema {
	s := &hcl.BodySchema{Blocks: blocks}
	for _, a := range attributes {
		s.Attributes = append(s.Attributes, hcl.AttributeSchema{Name: a})
	}
	return s
}

func (m *Module) add(file *hcl.File) hcl.Diagnostics {
	content, _, diagnostics := file.Body.PartialContent(body([]hcl.BlockHeaderSchema{
		{Type: "terraform"}, {Type: "locals"}, {Type: "variable", LabelNames: []string{"name"}}, {Type: "module", LabelNames: []string{"name"}},
	}))
	if diagnostics.HasErrors() {
		return diagnostics
	}
	for _, block := range content.Blocks {
		switch block.Type {
		case "terraform":
			diagnostics = diagnostics.Extend(m.addSettings(block))
		case "locals":
			diagnostics = diagnostics.Extend(m.addLocals(block))
		case "variable":
			diagnostics = diagnostics.Extend(m.addVariable(block))
		case "module":
			diagnostics = diagnostics.Extend(m.addCall(block))
		}
	}
	return diagnostics
}

func (m *Module) addSettings(block *hcl.Block) hcl.Diagnostics {
	content, _, diagnostics := block.Body.PartialContent(body([]hcl.BlockHeaderSchema{
		{Type: "backend", LabelNames: []string{"type"}}, {Type: "cloud"},
	}, "required_version"))
	if a, ok := content.Attributes["required_version"]; ok {
		var required string
		diagnostics = diagnostics.Extend(gohcl.DecodeExpression(a.Expr, nil, &required))
		m.Required = append(m.Required, required)
	}
	for _, b := range content.Blocks {
		if b.Type == "cloud" {
			m.Cloud = true
		} else {
			own, _, d := b.Body.PartialContent(body(nil, "path", "workspace_dir"))
			diagnostics = diagnostics.Extend(d)
			m.Backend = b.Labels[0]
			m.OwnPath = m.Backend == "local" && len(own.Attributes) > 0
		}
	}
	return diagnostics
}

func (m *Module) addVariable(block *hcl.Block) hcl.Diagnostics {
	content, _, diagnostics := block.Body.PartialContent(body(nil, "sensitive", "ephemeral", "default"))
	v := m.Variables[block.Labels[0]]
	for name, field := range map[string]*bool{"sensitive": &v.Sensitive, "ephemeral": &v.Ephemeral} {
		if a, ok := content.Attributes[name]; ok {
			diagnostics = diagnostics.Extend(gohcl.DecodeExpression(a.Expr, nil, field))
		}
	}
	if a, ok := content.Attributes["default"]; ok {
		if value, d := a.Expr.Value(nil); !d.HasErrors() {
			v.Default = decode(value)
		}
	}
	m.Variables[block.Labels[0]] = v
	return diagnostics
}

// ephemeral is true where a variable is in no plan.
func (m *Module) ephemeral() bool {
	for _, v := range m.Variables {
		if v.Ephemeral {
			return true
		}
	}
	return false
}

func (m *Module) addLocals(block *hcl.Block) hcl.Diagnostics {
	attributes, diagnostics := block.Body.JustAttributes()
	for name, a := range attributes {
		m.Locals[name] = nil
		for _, t := range a.Expr.Variables() {
			if len(t) < 2 {
				continue
			}
			if step, ok := t[1].(hcl.TraverseAttr); ok && (t.RootName() == "var" || t.RootName() == "local") {
				m.Locals[name] = append(m.Locals[name], t.RootName()+"."+step.Name)
			}
		}
	}
	return diagnostics
}

func (m *Module) addCall(block *hcl.Block) hcl.Diagnostics {
	content, _, diagnostics := block.Body.PartialContent(body(nil, "source"))
	call := Call{Name: block.Labels[0], Range: block.DefRange}
	if a, ok := content.Attributes["source"]; ok {
		// A source that is no literal is Terraform's to refuse.
		if value, d := a.Expr.Value(nil); !d.HasErrors() && value.IsKnown() && value.Type().FriendlyName() == "string" {
			call.Source = value.AsString()
		}
	}
	m.Calls = append(m.Calls, call)
	return diagnostics
}

// ClusterName is the variable that selects the target.
const ClusterName = "cluster_name"

// validate refuses what could not be staged.
func (m *Module) validate(shown string) error {
	switch _, declared := m.Variables[ClusterName]; {
	case m.Cloud || m.Backend == "remote" || m.Backend == "cloud":
		return fmt.Errorf("%s: its runs are made by HCP Terraform, so no plan could be kept until it is applied: use a backend that only keeps the state, such as s3, gcs or azurerm", shown)
	case !declared:
		return fmt.Errorf("%s: variable %q is not declared: declare it and name the cluster by it, since it is what tells staging from production", shown, ClusterName)
	}
	return nil
}
