package internal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/stagegate/stagegate/"

// layers name the packages of each layer, lowest first. What is not named, sub-packages
// included, is a part: it stands between the words and the pipeline.
var layers = [][]string{
	{"snapshot", "yamldoc", "yamlfile", "printable", "exitcode"},
	{"change", "reach"},
	{"config"},
	{"gate"},
	{}, // the parts
	{"pipeline"},
	{"demo"},
	{"cli"},
}

const parts = 4

func layerOf(path string) int {
	path = strings.TrimPrefix(path, "internal/")
	for i, names := range layers {
		if slices.Contains(names, path) {
			return i
		}
	}
	if strings.HasPrefix(path, "cmd/") {
		return len(layers)
	}
	return parts
}

// pkg is a package of this module, its imports relative to it.
type pkg struct {
	ImportPath string
	Imports    []string // direct
	Deps       []string // all
}

func (p pkg) path() string { return strings.TrimPrefix(p.ImportPath, module) }

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps", "./...")
	cmd.Dir = ".."
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("listing packages: %v", err)
	}
	var list []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func TestImportsPointDown(t *testing.T) {
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			target, ours := strings.CutPrefix(imported, module)
			if ours && layerOf(target) > layerOf(p.path()) {
				t.Errorf("%s imports %s, which is above it", p.path(), target)
			}
		}
	}
}

// The words of the domain stay free of every tool.
func TestWordsImportNoTools(t *testing.T) {
	words := []string{"internal/gate", "internal/reach", "internal/change", "internal/config"}
	tools := []string{"k8s.io/client-go", "helm.sh/helm", "sigs.k8s.io/kind", "sigs.k8s.io/kustomize", "github.com/hashicorp"}
	var seen []string
	for _, p := range packages(t) {
		if !slices.Contains(words, p.path()) {
			continue
		}
		seen = append(seen, p.path())
		for _, dep := range p.Deps {
			if slices.ContainsFunc(tools, func(tool string) bool { return strings.HasPrefix(dep, tool) }) {
				t.Errorf("%s depends on %s", p.path(), dep)
			}
		}
	}
	if len(seen) != len(words) {
		t.Errorf("only %v were found", seen)
	}
}

// Back ends are chosen in one place, and know nothing of each other.
func TestBackEndsDoNotImportEachOther(t *testing.T) {
	families := map[string][]string{
		"internal/cluster/": {"embedded", "kind", "kubeconfig", "terraform"},
		"internal/change/":  {"helm", "kustomize", "manifest", "terraform"},
		"internal/reach/":   {"model", "live"},
	}
	for _, p := range packages(t) {
		for family, members := range families {
			own := member(p.path(), family, members)
			if own == "" {
				continue
			}
			for _, dep := range p.Deps {
				other := member(strings.TrimPrefix(dep, module), family, members)
				if other != "" && other != own {
					t.Errorf("%s depends on %s", p.path(), strings.TrimPrefix(dep, module))
				}
			}
		}
	}
}

// member is the back end of a family that a package belongs to, or empty.
func member(path, family string, members []string) string {
	rest, ok := strings.CutPrefix(path, family)
	name, _, _ := strings.Cut(rest, "/")
	if !ok || !slices.Contains(members, name) {
		return ""
	}
	return name
}

// Streams, exit codes and the first context come from main; nothing runs at import.
func TestMainOwnsTheProcess(t *testing.T) {
	banned := map[string][]string{"os": {"Exit", "Stdin", "Stdout", "Stderr"}, "context": {"Background", "TODO"}}
	set := token.NewFileSet()
	parsed := 0
	walkGo(t, ".", func(path string) {
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed++
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && slices.Contains(banned[x.Name], n.Sel.Name) {
					t.Errorf("%s: %s.%s belongs to main", set.Position(n.Pos()), x.Name, n.Sel.Name)
				}
			case *ast.FuncDecl:
				if n.Recv == nil && n.Name.Name == "init" {
					t.Errorf("%s: init runs at import: wire things in internal/cli", set.Position(n.Pos()))
				}
			}
			return true
		})
	})
	if parsed == 0 {
		t.Error("no files were found")
	}
}

func TestMainIsThin(t *testing.T) {
	const most = 30
	content, err := os.ReadFile("../cmd/stagegate/main.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(content, []byte("\n")); n > most {
		t.Errorf("cmd/stagegate/main.go has %d lines, more than %d", n, most)
	}
}

// walkGo visits the Go files below dir that are no tests, no test data, and in no package
// that only tests use (named …test, as httptest is).
func walkGo(t *testing.T, dir string, visit func(path string)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasSuffix(d.Name(), "test")):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			visit(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
