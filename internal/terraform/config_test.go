package terraform_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/filetest"
	"github.com/stagegate/stagegate/internal/terraform"
	"github.com/stagegate/stagegate/internal/terraform/terraformtest"
)

const declares = "variable \"cluster_name\" {}\n"

func TestReadTakesLocalModulesAlong(t *testing.T) {
	dir := filetest.Into(t, t.TempDir(), map[string]string{
		"live/infra/main.tf":             declares + "module \"x\" {\n  source = \"../../modules/x\"\n}\nmodule \"r\" {\n  source = \"terraform-aws-modules/eks/aws\"\n}\n",
		"live/infra/files/a.tpl":         "a",
		"live/infra/.terraform.lock.hcl": "# lock",
		"live/infra/.terraform/x":        "left out",
		"live/infra/infra.tfplan":        "left out",
		"modules/x/x.tf":                 "module \"y\" {\n  source = \"../y\"\n}\n",
		"modules/y/y.tf.json":            `{"terraform": {"required_version": ">= 1.2"}}`,
		"modules/unused/z.tf":            "",
	})
	c, err := terraform.Read(filepath.Join(dir, "live", "infra"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range c.Files {
		names = append(names, f.Name)
	}
	want := []string{"../../modules/x/x.tf", "../../modules/y/y.tf.json", ".terraform.lock.hcl", "files/a.tpl", "main.tf"}
	if d := cmp.Diff(want, names); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
}

// What lies outside of the repository is not the change's own, whatever calls it a module.
func TestOwn(t *testing.T) {
	files := map[string]string{
		"home/keys.tf": "", "home/credentials": "s3cret",
		"ci/repo/infra/main.tf":    declares + "module \"home\" {\n  source = \"../../../home\"\n}\nmodule \"x\" {\n  source = \"../modules/x\"\n}\n",
		"ci/repo/modules/x/x.tf":   "",
		"ci/repo/infra/in/file.md": "",
	}
	for what, test := range map[string]struct {
		top  string
		want []string
	}{
		"repository":              {"ci/repo/.git/HEAD", []string{"../modules/x/x.tf", "in/file.md", "main.tf"}},
		"worktree":                {"ci/repo/.git", []string{"../modules/x/x.tf", "in/file.md", "main.tf"}},
		"the directory itself":    {"ci/repo/infra/.hg/x", []string{"in/file.md", "main.tf"}},
		"no repository":           {"", []string{"in/file.md", "main.tf"}},
		"a repository around all": {".git/HEAD", []string{"../../../home/credentials", "../../../home/keys.tf", "../modules/x/x.tf", "in/file.md", "main.tf"}},
	} {
		with := maps.Clone(files)
		if test.top != "" {
			with[test.top] = ""
		}
		c, err := terraform.Read(filepath.Join(filetest.Into(t, t.TempDir(), with), "ci", "repo", "infra"))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range c.Own() {
			got = append(got, f.Name)
		}
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("%s: files (-want +got):\n%s", what, d)
		}
	}
}

func TestReadModule(t *testing.T) {
	dir := filetest.Into(t, t.TempDir(), map[string]string{
		"main.tf":       declares + "terraform {\n  required_version = \"~> 1.5\"\n  backend \"s3\" {}\n}\nvariable \"token\" {\n  sensitive = true\n}\n",
		"override.tf":   "terraform {\n  backend \"gcs\" {}\n}\n",
		"extra.tf.json": `{"terraform": {"required_version": "< 2.0"}}`,
	})
	c, err := terraform.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]terraform.Variable{"cluster_name": {}, "token": {Sensitive: true}}
	if d := cmp.Diff(want, c.Module.Variables); d != "" {
		t.Errorf("variables (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"< 2.0", "~> 1.5"}, c.Module.Required); d != "" {
		t.Errorf("required (-want +got):\n%s", d)
	}
	if c.Module.Backend != "gcs" {
		t.Errorf("backend is %q, want that of the override file", c.Module.Backend)
	}
}

func TestDigest(t *testing.T) {
	files := map[string]string{"infra/main.tf": declares + "module \"x\" {\n  source = \"../x\"\n}\n", "x/x.tf": "# x", "infra/a.tfvars": "size = 1"}
	digest := func(change func(files map[string]string)) string {
		t.Helper()
		changed := map[string]string{}
		for name, content := range files {
			changed[name] = content
		}
		change(changed)
		c, err := terraform.Read(filepath.Join(filetest.Into(t, t.TempDir(), changed), "infra"))
		if err != nil {
			t.Fatal(err)
		}
		return string(c.Digest())
	}
	same := digest(func(map[string]string) {})
	for what, test := range map[string]struct {
		change func(map[string]string)
		same   bool
	}{
		"elsewhere":         {func(map[string]string) {}, true},
		"state":             {func(f map[string]string) { f["infra/terraform.tfstate"] = "{}" }, true},
		"worktree":          {func(f map[string]string) { f["infra/.git"] = "gitdir: x" }, true},
		"data directory":    {func(f map[string]string) { f["infra/.terraform/providers/x"] = "x" }, true},
		"plan":              {func(f map[string]string) { f["infra/my.tfplan"] = "x" }, true},
		"a file":            {func(f map[string]string) { f["infra/main.tf"] += "\n" }, false},
		"a local module":    {func(f map[string]string) { f["x/x.tf"] += "\n" }, false},
		"a new template":    {func(f map[string]string) { f["infra/a.tpl"] = "" }, false},
		"variables":         {func(f map[string]string) { f["infra/a.tfvars"] = "size = 2" }, false},
		"a lock file":       {func(f map[string]string) { f["infra/.terraform.lock.hcl"] = "" }, false},
		"what is elsewhere": {func(f map[string]string) { f["other/x.tf"] = "" }, true},
	} {
		if got := digest(test.change); (got == same) != test.same {
			t.Errorf("%s: same digest is %v, want %v", what, got == same, test.same)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for what, test := range map[string]struct {
		files map[string]string
		link  [2]string // from, to
		want  string
	}{
		"nested": {
			files: map[string]string{"infra/main.tf": "locals { a = " + strings.Repeat("(", 300_000)},
			want:  "DIR/infra/main.tf: nested too deeply to inspect: write it more plainly",
		},
		"missing": {want: "reading the Terraform configuration DIR/infra: lstat DIR/infra: no such file or directory"},
		"empty":   {files: map[string]string{"infra/README.md": ""}, want: "DIR/infra: there is no *.tf or *.tf.json file: name the directory of a root module"},
		"no cluster name": {
			files: map[string]string{"infra/main.tf": ""},
			want:  `DIR/infra: variable "cluster_name" is not declared: declare it and name the cluster by it, since it is what tells staging from production`,
		},
		"cloud": {
			files: map[string]string{"infra/main.tf": declares + "terraform {\n  cloud {}\n}\n"},
			want:  "DIR/infra: its runs are made by HCP Terraform, so no plan could be kept until it is applied: use a backend that only keeps the state, such as s3, gcs or azurerm",
		},
		"syntax": {
			files: map[string]string{"infra/main.tf": declares + "resource {"},
			want:  "DIR/infra/main.tf:2: unclosed configuration block: There is no closing brace for this block before the end of the file. This may be caused by incorrect brace nesting elsewhere in this file",
		},
		"module missing": {
			files: map[string]string{"infra/main.tf": declares + "module \"x\" {\n  source = \"../x\"\n}\n"},
			want:  "DIR/x: a local module that is not there: correct its source",
		},
		"no module": {
			files: map[string]string{"infra/main.tf": declares + "module \"x\" {\n  source = \"../x\"\n}\n", "x/credentials": "", "x/y/y.tf": ""},
			want:  "DIR/x: no local module, since there is no *.tf or *.tf.json file: correct the source of its call",
		},
		"link out": {
			files: map[string]string{"infra/main.tf": declares, "secret": ""}, link: [2]string{"infra/link", "../secret"},
			want: "DIR/infra/link: a symbolic link that leads out of the change: put the file itself in its place",
		},
		"linked module": {
			files: map[string]string{"infra/main.tf": declares + "module \"x\" {\n  source = \"../x\"\n}\n", "real/x.tf": ""}, link: [2]string{"x", "real"},
			want: "DIR/x: a local module behind a symbolic link: name the directory itself as its source",
		},
	} {
		t.Run(what, func(t *testing.T) {
			dir := filetest.Into(t, t.TempDir(), test.files)
			if test.link[0] != "" {
				if err := os.Symlink(test.link[1], filepath.Join(dir, test.link[0])); err != nil {
					t.Fatal(err)
				}
			}
			_, err := terraform.Read(filepath.Join(dir, "infra"))
			if err == nil || strings.ReplaceAll(err.Error(), dir, "DIR") != test.want {
				t.Errorf("error is %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestRefusesALocalStateOfTheUser(t *testing.T) {
	terraformtest.Need(t)
	dir := filetest.Into(t, t.TempDir(), map[string]string{"main.tf": declares, "terraform.tfstate": "{}"})
	_, err := terraform.Open(t.Context(), read(t, dir), options(t, "staging"))
	want := dir + " has a local state, terraform.tfstate, that would serve every environment: move it to a backend, or set spec.terraform.backendConfig.path of the environment that it belongs to, to the path of its own copy of it"
	if err == nil || err.Error() != want {
		t.Errorf("error is %v\nwant %s", err, want)
	}
}

func TestRefusesAPathOfALocalBackend(t *testing.T) {
	terraformtest.Need(t)
	dir := filetest.Into(t, t.TempDir(), map[string]string{"main.tf": declares + "terraform {\n  backend \"local\" {\n    path = \"prod.tfstate\"\n  }\n}\n"})
	o := options(t, "staging")
	_, err := terraform.Open(t.Context(), read(t, dir), o)
	want := dir + " says itself where its local state is, which would serve every environment: take path and workspace_dir out of its backend block, or set spec.terraform.backendConfig.path of environment staging to a path of its own"
	if err == nil || err.Error() != want {
		t.Errorf("error is %v\nwant %s", err, want)
	}
	o.BackendConfig = map[string]string{"path": filepath.Join(t.TempDir(), "staging.tfstate")}
	open(t, dir, o)
}

func TestLocals(t *testing.T) {
	dir := filetest.Into(t, t.TempDir(), map[string]string{
		"main.tf":   declares + "locals {\n  here = var.cluster_name == \"production\"\n  both = [local.here, var.cluster_name, path.module]\n}\nmodule \"x\" {\n  source = \"./x\"\n}\n",
		"x/main.tf": "locals {\n  inner = var.n\n}\n",
	})
	c, err := terraform.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"here": {"var.cluster_name"}, "both": {"local.here", "var.cluster_name"}}
	if d := cmp.Diff(want, c.Locals()); d != "" {
		t.Errorf("locals (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[string][]string{"inner": {"var.n"}}, c.Locals("./x")); d != "" {
		t.Errorf("locals of the module (-want +got):\n%s", d)
	}
}
