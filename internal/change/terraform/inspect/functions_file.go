package inspect

import (
	"crypto/md5"  //nolint:gosec // Terraform's function of that name
	"crypto/sha1" //nolint:gosec // Terraform's function of that name
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// readers are the functions of Terraform that read files, by what they do with one. The
// first argument is the path.
var readers = []string{
	"file", "filebase64", "fileexists", "fileset", "filemd5", "filesha1", "filesha256", "filesha512",
	"filebase64sha256", "filebase64sha512", "templatefile",
}

// inside tells whether a path stays in the root module's directory, and gives it in the form
// that files are named by. Terraform runs there, so relative paths are relative to it.
func inside(p string) (string, bool) {
	clean := path.Clean(strings.ReplaceAll(p, `\`, "/"))
	outside := path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") ||
		strings.HasPrefix(clean, "~") || strings.Contains(clean, ":")
	return clean, !outside
}

// holds is inside, and true for what lies beside a local module out of that directory, too.
func (i *inspector) holds(p string) (string, bool) {
	name, ok := inside(p)
	if ok || path.IsAbs(name) {
		return name, ok
	}
	for known := range i.files {
		if known == name || strings.HasPrefix(known, name+"/") && name != ".." && !strings.HasSuffix(name, "/..") {
			return name, true
		}
	}
	return name, false
}

// read is a file of the change; there are no others here.
func (i *inspector) read(p string) ([]byte, error) {
	name, ok := i.holds(p)
	content, found := i.files[name]
	if !ok || !found {
		return nil, fmt.Errorf("there is no file %s in the change", p)
	}
	return content, nil
}

func (i *inspector) fileFunctions() map[string]function.Function {
	return map[string]function.Function{
		"file": text(func(p string) (string, error) {
			content, err := i.read(p)
			if err == nil && !utf8.Valid(content) {
				err = fmt.Errorf("%s is not text", p)
			}
			return string(content), err
		}),
		"filebase64": i.digest(base64.StdEncoding.EncodeToString),
		"filemd5":    i.digest(func(b []byte) string { sum := md5.Sum(b); return hex.EncodeToString(sum[:]) }),  //nolint:gosec // Terraform's
		"filesha1":   i.digest(func(b []byte) string { sum := sha1.Sum(b); return hex.EncodeToString(sum[:]) }), //nolint:gosec // Terraform's
		"filesha256": i.digest(func(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }),
		"fileexists": function.New(&function.Spec{
			Params: []function.Parameter{{Name: "path", Type: cty.String}},
			Type:   function.StaticReturnType(cty.Bool),
			Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
				_, err := i.read(args[0].AsString())
				return cty.BoolVal(err == nil), nil
			},
		}),
		"fileset":      i.fileset(),
		"templatefile": i.templatefile(),
	}
}

func (i *inspector) digest(of func([]byte) string) function.Function {
	return text(func(p string) (string, error) {
		content, err := i.read(p)
		return of(content), err
	})
}

func (i *inspector) fileset() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}, {Name: "pattern", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Set(cty.String)),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			dir, ok := i.holds(args[0].AsString())
			if !ok {
				return cty.NilVal, fmt.Errorf("%s leads out of the change", args[0].AsString())
			}
			var found []cty.Value
			for name := range i.files {
				relative, below := strings.CutPrefix(name, dir+"/")
				if dir == "." {
					relative, below = name, !strings.HasPrefix(name, "../")
				}
				if below && globbed(args[1].AsString(), relative) {
					found = append(found, cty.StringVal(relative))
				}
			}
			if len(found) == 0 {
				return cty.SetValEmpty(cty.String), nil
			}
			return cty.SetVal(found), nil
		},
	})
}

// globbed tells whether a path matches a pattern, in which ** is any number of directories.
func globbed(pattern, name string) bool {
	return globParts(strings.Split(pattern, "/"), strings.Split(name, "/"))
}

func globParts(pattern, name []string) bool {
	if len(pattern) == 0 {
		return len(name) == 0
	}
	if pattern[0] == "**" {
		return globParts(pattern[1:], name) || len(name) > 1 && globParts(pattern, name[1:])
	}
	if len(name) == 0 {
		return false
	}
	alternatives := []string{pattern[0]}
	if before, rest, ok := strings.Cut(pattern[0], "{"); ok { // {yaml,yml}
		list, after, _ := strings.Cut(rest, "}")
		alternatives = nil
		for _, choice := range strings.Split(list, ",") {
			alternatives = append(alternatives, before+choice+after)
		}
	}
	return slices.ContainsFunc(alternatives, func(p string) bool {
		ok, err := path.Match(p, name[0])
		return err == nil && ok
	}) && globParts(pattern[1:], name[1:])
}

// templatefile renders a file of the change. In it there are its variables and functions,
// and nothing of the configuration.
func (i *inspector) templatefile() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}, {Name: "vars", Type: cty.DynamicPseudoType}},
		Type:   function.StaticReturnType(cty.DynamicPseudoType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			e, err := i.template(args[0].AsString())
			if err != nil {
				return cty.NilVal, err
			}
			variables := map[string]cty.Value{}
			for _, v := range elementsOf(args[1]) {
				variables[v.key.AsString()] = v.value
			}
			functions := newScope(i, &module{}, "", nil, nil).functions(e)
			if _, again := functions["templatefile"]; again || loopsIn(e) > maxLoops {
				return cty.DynamicVal, nil // Terraform refuses templates in templates
			}
			value, diags := e.Value(&hcl.EvalContext{Variables: variables, Functions: functions})
			if diags.HasErrors() {
				return cty.NilVal, problems(diags)
			}
			return value, nil
		},
	})
}

// template parses a template of the change.
func (i *inspector) template(p string) (hclsyntax.Expression, error) {
	content, err := i.read(p)
	if err != nil {
		return nil, err
	}
	if len(content) > maxSource {
		return nil, fmt.Errorf("%s is larger than %d KiB, too large to inspect", p, maxSource>>10)
	}
	start := hcl.Pos{Line: 1, Column: 1}
	e, diags := template(string(content), hcl.Range{Filename: i.shown(path.Clean(p)), Start: start, End: start})
	if diags.HasErrors() {
		return nil, problems(diags)
	}
	return e, nil
}
