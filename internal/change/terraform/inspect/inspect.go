// Package inspect reads a Terraform configuration without running anything: no plan, no
// provider, no network. Making a plan runs code that the configuration chooses (external
// data sources, providers, modules, credential commands), so this is what can be done with
// a change that nobody has reviewed.
//
// What it finds are the parts that would run code or reach out of the configuration, as
// findings with file and line, and the Kubernetes objects that stand in the configuration
// as literals or follow from variables. What cannot be parsed is an error, and what cannot
// be known without a plan is a finding: nothing is left out in silence.
package inspect

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/stagegate/stagegate/internal/change/tree"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// Severity says what a finding does to a check.
type Severity string

// The severities: what is not allowed, what could not be found out, what is worth knowing.
const (
	Refused Severity = "refused"
	Unclear Severity = "unclear"
	Remark  Severity = "remark"
)

// Finding is one thing that a reviewer has to know.
type Finding struct {
	Severity Severity
	Place    string // "infra/main.tf:12"
	Address  string // "module.x.data.external.token"; empty where it is about no single thing
	What     string
	Remedy   string // may be empty for a remark
}

// String is the finding in one line.
func (f Finding) String() string {
	s := f.Place + ": "
	if f.Address != "" {
		s += f.Address + " "
	}
	s += f.What
	if f.Remedy != "" {
		s += ": " + f.Remedy
	}
	return s
}

// Allow says what a configuration may use although it runs code.
type Allow struct {
	// Providers are sources, "namespace/type" or "host/namespace/type"; * stands for any
	// name. hashicorp/external needs to be named in full.
	Providers []string
	// Modules are sources of modules that are not in the configuration's directory. A pattern
	// covers what is below it: terraform-aws-modules/* has terraform-aws-modules/eks/aws.
	Modules []string
	// Commands are programs that providers may run for their credentials.
	Commands []string
}

// Options are what is known about the environment.
type Options struct {
	// Name stands before file names in places, such as "infra".
	Name  string
	Allow Allow
	// Tofu is true where OpenTofu runs the configuration: it reads *.tofu files too.
	Tofu bool
	// Workspace is that of the environment; empty is "default".
	Workspace string
	// Variables are given values, which win over those of files in the directory.
	Variables map[string]cty.Value
}

// Result is what was found.
type Result struct {
	Findings []Finding
	// Objects are the Kubernetes objects that the configuration holds, in the order of files.
	Objects []snapshot.Object
}

// Count is the number of findings of a severity.
func (r *Result) Count(s Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// Files inspects the files of a configuration: its root module is in the files without a
// directory, and local modules are in those below. An error says that the configuration
// cannot be read; then nothing is known about it.
func Files(files []tree.File, o Options) (*Result, error) {
	i := &inspector{Options: o, files: map[string][]byte{}, modules: map[string]*module{}, others: map[string]int{}}
	for _, f := range files {
		i.files[f.Name] = f.Content
	}
	root, err := i.module(".")
	if err != nil {
		return nil, err
	}
	if len(root.files) == 0 {
		return nil, fmt.Errorf("%s: no Terraform configuration (*.tf, *.tf.json): name the directory of the root module", cmp.Or(o.Name, "."))
	}
	inputs, err := i.inputs(root)
	if err != nil {
		return nil, err
	}
	i.visit(newScope(i, root, "", inputs, nil))
	if err := errors.Join(i.errs...); err != nil {
		return nil, err
	}
	i.tell(root)
	return &Result{Findings: i.sorted(), Objects: i.objects}, nil
}

// inspector is one inspection.
type inspector struct {
	Options
	files     map[string][]byte
	errs      []error
	findings  []Finding
	objects   []snapshot.Object
	modules   map[string]*module // by directory
	others    map[string]int     // resource types that are not modelled, and how many of each
	visited   int                // modules
	functions map[string]function.Function
}

func (i *inspector) add(f Finding) { i.findings = append(i.findings, f) }

// sorted has each finding once, by place.
func (i *inspector) sorted() []Finding {
	order := func(a, b Finding) int {
		return cmp.Or(comparePlaces(a.Place, b.Place), cmp.Compare(a.Address, b.Address), cmp.Compare(a.What, b.What))
	}
	slices.SortStableFunc(i.findings, order)
	return slices.Compact(i.findings)
}
