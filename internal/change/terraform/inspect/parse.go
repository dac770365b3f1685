package inspect

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
)

// maxSource is how large one file of configuration may be, in bytes.
const maxSource = 1 << 20

// source is one parsed file in native form, whatever syntax it was written in.
type source struct {
	name     string // "infra/main.tf"
	override bool   // merged over the others: override.tf, *_override.tf
	test     bool   // read by init, for the modules and providers of tests
	body     *hclsyntax.Body
}

// sources parses the configuration in one directory.
func (i *inspector) sources(dir string) ([]source, error) {
	var names []string
	for name := range i.files {
		own := path.Dir(name) == dir && i.reads(path.Base(name))
		if i.hidden(name) {
			continue
		}
		if own || dir == "." && path.Dir(name) == "tests" && i.reads(path.Base(name)) && isTest(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var all []source
	var errs []error
	for _, name := range names {
		body, err := i.parse(name)
		errs = append(errs, err)
		all = append(all, source{name: i.shown(name), override: isOverride(name), test: isTest(name), body: body})
	}
	// Terraform merges override files last, in the order of their names.
	slices.SortStableFunc(all, func(a, b source) int { return cmp.Compare(rank(a), rank(b)) })
	return all, errors.Join(errs...)
}

func rank(s source) int {
	if s.override {
		return 1
	}
	return 0
}

// reads tells whether a file is part of a module, as Terraform's and OpenTofu's manuals say.
func (i *inspector) reads(base string) bool {
	if strings.HasPrefix(base, ".") || strings.HasSuffix(base, "~") {
		return false
	}
	endings := []string{".tf", ".tf.json", ".tftest.hcl", ".tftest.json"}
	if i.Tofu {
		endings = append(endings, ".tofu", ".tofu.json", ".tofutest.hcl", ".tofutest.json")
	}
	return slices.ContainsFunc(endings, func(e string) bool { return strings.HasSuffix(base, e) })
}

// hidden tells whether OpenTofu leaves a file out, since there is one of its own in its place.
func (i *inspector) hidden(name string) bool {
	for _, ending := range []string{".tf", ".tf.json"} {
		if stem, ok := strings.CutSuffix(name, ending); ok && i.Tofu {
			_, own := i.files[stem+strings.Replace(ending, ".tf", ".tofu", 1)]
			return own
		}
	}
	return false
}

func isTest(name string) bool {
	return strings.Contains(path.Base(name), ".tftest.") || strings.Contains(path.Base(name), ".tofutest.")
}

func isOverride(name string) bool {
	base, _, _ := strings.Cut(path.Base(name), ".")
	return base == "override" || strings.HasSuffix(base, "_override")
}

func (i *inspector) parse(name string) (*hclsyntax.Body, error) {
	content, shown := i.files[name], i.shown(name)
	if err := Simple(content, shown, !strings.HasSuffix(name, ".json")); err != nil {
		return nil, err
	}
	if strings.HasSuffix(name, ".json") {
		file, diags := hcljson.Parse(content, shown)
		if diags.HasErrors() {
			return nil, problems(diags)
		}
		return lower(file.Body, isTest(name))
	}
	file, diags := hclsyntax.ParseConfig(content, shown, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, problems(diags)
	}
	return file.Body.(*hclsyntax.Body), nil
}

func (i *inspector) shown(name string) string { return path.Join(i.Name, name) }

// problems are the diagnostics as errors with file and line.
func problems(diags hcl.Diagnostics) error {
	var errs []error
	for _, d := range diags.Errs() {
		var diag *hcl.Diagnostic
		if errors.As(d, &diag) && diag.Subject != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %s", place(*diag.Subject), lowerFirst(diag.Summary), oneLine(diag.Detail)))
			continue
		}
		errs = append(errs, d)
	}
	return errors.Join(errs...)
}

func place(r hcl.Range) string { return r.Filename + ":" + strconv.Itoa(r.Start.Line) }

// comparePlaces orders by file, then by line as a number.
func comparePlaces(a, b string) int {
	file := func(s string) (string, int) {
		i := strings.LastIndexByte(s, ':')
		if i < 0 {
			return s, 0
		}
		line, err := strconv.Atoi(s[i+1:])
		if err != nil {
			return s, 0
		}
		return s[:i], line
	}
	fileA, lineA := file(a)
	fileB, lineB := file(b)
	return cmp.Or(cmp.Compare(fileA, fileB), cmp.Compare(lineA, lineB))
}

func oneLine(s string) string { return strings.TrimSuffix(strings.Join(strings.Fields(s), " "), ".") }

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
