package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/filetest"
	"github.com/stagegate/stagegate/internal/reach"
)

// environment is an environment file with the given lines of spec, from line 5 on.
func environment(name string, spec ...string) string {
	return "apiVersion: stagegate.dev/v1alpha1\nkind: Environment\nmetadata: {name: " + name + "}\nspec:\n  " +
		strings.Join(spec, "\n  ") + "\n"
}

const embedded = "provider: {embedded: {}}"

func TestShippedFiles(t *testing.T) {
	all, err := config.LoadDirectory("../../environments")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || all[0].Name != "production" || all[1].Name != "staging" {
		t.Fatalf("environments = %v", all)
	}
	if !all[0].IsProduction() || all[1].IsProduction() {
		t.Error("production must come after staging, and staging after nothing")
	}
	var digests []string
	for _, e := range all {
		checks, err := e.LoadChecks()
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, string(checks.Digest()))
	}
	if digests[0] != digests[1] {
		t.Error("both environments must have the same checks, or no evidence is ever valid")
	}
}

func TestDefaults(t *testing.T) {
	dir := filetest.Directory(t, map[string]string{"a.yaml": environment("a", embedded), "b.yaml": environment("b", "provider: {kind: }")})
	all, err := config.LoadDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Gate{
		MinimumGrade: reach.Modelled, MaxEvidenceAge: 24 * time.Hour, OnNewEdges: config.WarnNewEdges,
		Parity: config.Parity{Kubernetes: "minor"}, ReadyTimeout: 5 * time.Minute, SettleTime: 5 * time.Second, SettleTimeout: time.Minute,
	}
	if diff := cmp.Diff(want, all[0].Gate); diff != "" {
		t.Errorf("gate (-want +got):\n%s", diff)
	}
	if all[0].ClusterName != "a" {
		t.Errorf("cluster name = %q, want that of the environment", all[0].ClusterName)
	}
	if all[1].Gate.MinimumGrade != reach.Live {
		t.Errorf("minimum grade of kind = %q, want live", all[1].Gate.MinimumGrade)
	}
	checks, err := all[0].LoadChecks()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config.Discover{Ingresses: true, Services: config.NamespaceServices}, checks.Discover); diff != "" {
		t.Errorf("discover (-want +got):\n%s", diff)
	}
}

func TestEveryField(t *testing.T) {
	dir := filetest.Directory(t, map[string]string{"vars.tfvars": "", "c.yaml": "", "all.yaml": environment("prod",
		"clusterName: prod-eu", "provider: {kubeconfig: {path: ~/kube, context: eks, allowExec: [aws]}}",
		"variables: {region: eu, replicas: 3, since: 2024-01-01, tags: [a, b]}",
		"terraform: {version: '1.9', binary: tofu, backendConfig: {bucket: b}, varFiles: [vars.tfvars], workspace: w,",
		"  allow: {providers: [hashicorp/aws], modules: [terraform-aws-modules/*], commands: [aws]}}",
		"gate:", "  after: [staging]", "  minimumGrade: modelled", "  soak: 1m", "  maxEvidenceAge: 2h", "  maxInterruption: 3s",
		"  onNewEdges: block", "  parity: {kubernetes: any, ingressController: exact, cni: minor}", "  checks: [c.yaml]", "  readyTimeout: 9m", "  settleTime: 7s", "  settleTimeout: 20s",
		"probes: {ephemeral: true}",
		"allow: {kinds: [Deployment.apps], namespaces: [shop]}", "") +
		"---\n" + environment("staging", embedded)})
	all, err := config.LoadDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Environment{
		Name: "prod", File: filepath.Join(dir, "all.yaml"), ClusterName: "prod-eu",
		Provider:  config.Provider{Kubeconfig: &config.KubeconfigProvider{Path: "~/kube", Context: "eks", AllowExec: []string{"aws"}}},
		Variables: map[string]any{"region": "eu", "replicas": 3, "since": "2024-01-01", "tags": []any{"a", "b"}},
		Terraform: config.TerraformOptions{
			Version: "1.9", Binary: "tofu", BackendConfig: map[string]string{"bucket": "b"}, VarFiles: []string{"vars.tfvars"}, Workspace: "w",
			Allow: config.TerraformAllow{Providers: []string{"hashicorp/aws"}, Modules: []string{"terraform-aws-modules/*"}, Commands: []string{"aws"}},
		},
		Gate: config.Gate{
			After: []string{"staging"}, MinimumGrade: reach.Modelled, Soak: time.Minute, MaxEvidenceAge: 2 * time.Hour,
			MaxInterruption: 3 * time.Second, OnNewEdges: config.BlockNewEdges,
			Parity: config.Parity{IngressController: "exact", CNI: "minor"}, Checks: []string{"c.yaml"}, ReadyTimeout: 9 * time.Minute, SettleTime: 7 * time.Second, SettleTimeout: 20 * time.Second,
		},
		Probes: config.Probes{Ephemeral: true},
		Allow:  config.Allow{Kinds: []string{"Deployment.apps"}, Namespaces: []string{"shop"}},
	}
	if diff := cmp.Diff(want, all[0]); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	home, _ := os.UserHomeDir()
	if got := all[0].Path("~/kube"); got != filepath.Join(home, "kube") {
		t.Errorf("path = %s", got)
	}
}

func TestSelect(t *testing.T) {
	all, err := config.LoadDirectory("../../environments")
	if err != nil {
		t.Fatal(err)
	}
	e, err := config.Select(all, "production")
	if err != nil || e.Name != "production" {
		t.Fatalf("Select = %v, %v", e, err)
	}
	_, err = config.Select(all, "prodution")
	want := `no environment has the cluster name "prodution": did you mean production? (choose one of production, staging)`
	if err == nil || err.Error() != want {
		t.Errorf("error = %v\nwant    %s", err, want)
	}
	if _, err = config.Find(all, "nowhere"); err == nil || err.Error() != `there is no environment "nowhere": choose one of production, staging` {
		t.Errorf("error = %v", err)
	}
}

func TestOtherDocumentsAreLeftAlone(t *testing.T) {
	dir := filetest.Directory(t, map[string]string{
		"staging.yaml": environment("staging", embedded),
		"kind.yaml":    "apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\n",
		"values.yaml":  "replicas: 2\n",
		"empty.yaml":   "# nothing yet\n---\n",
		"notes.txt":    "not: [yaml",
	})
	all, err := config.LoadDirectory(dir)
	if err != nil || len(all) != 1 {
		t.Fatalf("LoadDirectory = %v, %v", all, err)
	}
}

func TestRefusedEnvironments(t *testing.T) {
	staging := environment("staging", embedded)
	tests := map[string]struct {
		files map[string]string
		want  string
	}{
		"unknown field":        {one(embedded, "gate: {minimumGrad: live}"), "e.yaml:6: spec.gate.minimumGrad is not a field: did you mean minimumGrade?"},
		"unknown field, far":   {one(embedded, "allow: {zzzzzzzzz: 1}"), "e.yaml:6: spec.allow.zzzzzzzzz is not a field: the fields are kinds, namespaces"},
		"nothing to set":       {one("provider: {embedded: {image: x}}"), "e.yaml:5: spec.provider.embedded.image is not a field: nothing can be set here"},
		"wrong type":           {one(embedded, "gate: {after: staging}"), "e.yaml:6: spec.gate.after must be a list, not a string"},
		"number for a string":  {one(embedded, "terraform: {version: 1.10}"), `e.yaml:6: spec.terraform.version must be a string, not a number: put it in quotes: "1.10"`},
		"list for fields":      {one("provider: [embedded]"), "e.yaml:5: spec.provider must have fields, not be a list"},
		"bad duration":         {one(embedded, "gate:", "  soak: 5 minutes"), `e.yaml:7: spec.gate.soak: "5 minutes" is not a duration: write it like 30s, 5m or 1h30m`},
		"number as a duration": {one(embedded, "gate:", "  soak: 5"), "e.yaml:7: spec.gate.soak must be a duration, not a number: write it like 30s, 5m or 1h30m"},
		"negative duration":    {one(embedded, "gate: {soak: -5s}"), `e.yaml:6: spec.gate.soak: "-5s" is negative: write it like 30s, 5m or 1h30m`},
		"duplicate key":        {one(embedded, "clusterName: a", "clusterName: b"), "e.yaml:7: spec.clusterName is already set in line 6: remove one of the two"},
		"duplicate variable":   {one(embedded, "variables: {a: {b: 1, b: 2}}"), "e.yaml:6: spec.variables.a.b is already set in line 6: remove one of the two"},
		"merge key":            {one(embedded, "gate: {<<: {soak: 1s}}"), "e.yaml:6: spec.gate has a field name that is a value of type !!merge: only plain strings are field names (merge keys are not supported)"},
		"not a number":         {one(embedded, "variables: {a: .nan}"), "e.yaml:6: spec.variables.a: .nan is not a number that can be handed on: put it in quotes"},
		"binary variable":      {one(embedded, "variables: {a: !!binary aGk=}"), "e.yaml:6: spec.variables.a must be a string, a number, true or false, a list or fields, not a value of type !!binary"},
		"reserved variable":    {one(embedded, "variables: {cluster_name: x}"), "e.yaml:6: spec.variables.cluster_name is always the cluster name: remove it and set spec.clusterName"},
		"no provider":          {one("clusterName: x"), "e.yaml:5: spec.provider is missing: choose one of embedded, kind, kubeconfig, terraform; to try things out, write provider: {embedded: {}}"},
		"two providers":        {one("provider: {embedded: {}, kind: {}}"), "e.yaml:5: spec.provider has embedded and kind: keep exactly one"},
		"no context":           {one("provider: {kubeconfig: {}}"), "e.yaml:5: spec.provider.kubeconfig.context is missing: name the context, so that switching the current one cannot change the target"},
		"no kind config":       {one("provider: {kind: {config: no.yaml}}"), "e.yaml:5: spec.provider.kind.config: DIR/no.yaml: the file does not exist: create it, or correct the path"},
		"no terraform module":  {one("provider: {terraform: {}}"), "e.yaml:5: spec.provider.terraform.directory is missing: name the directory of the module that makes the cluster"},
		"no endpoint":          {one("provider: {terraform: {directory: ., tokenOutput: t}}"), "e.yaml:5: spec.provider.terraform.tokenOutput goes with endpointOutput, which is missing: name the output with the API's address, or leave this out"},
		"no credentials":       {one("provider: {terraform: {directory: ., endpointOutput: e}}"), `e.yaml:5: spec.provider.terraform.endpointOutput needs credentials: add tokenOutput, or exec with a command that prints them, like [aws, eks, get-token, --cluster-name, "${cluster_name}"]`},
		"two credentials":      {one("provider: {terraform: {directory: ., endpointOutput: e, tokenOutput: t, exec: [x]}}"), "e.yaml:5: spec.provider.terraform.exec and tokenOutput both give credentials: keep one"},
		"two ways":             {one("provider: {terraform: {directory: ., endpointOutput: e, kubeconfigOutput: k}}"), "e.yaml:5: spec.provider.terraform.endpointOutput and kubeconfigOutput both say where the cluster is: keep one"},
		"not a provider":       {one(embedded, "terraform: {allow: {providers: [aws]}}"), `e.yaml:6: spec.terraform.allow.providers[0]: "aws" is not a source of providers: write namespace/type or host/namespace/type, like hashicorp/aws or hashicorp/*`},
		"not a pattern":        {one(embedded, "terraform: {allow: {providers: ['hashicorp/[']}}"), `e.yaml:6: spec.terraform.allow.providers[0]: "hashicorp/[" is not a source of providers: write namespace/type or host/namespace/type, like hashicorp/aws or hashicorp/*`},
		"local module":         {one(embedded, "terraform: {allow: {modules: [./modules/*]}}"), `e.yaml:6: spec.terraform.allow.modules[0]: "./modules/*" is a local module, which is read with the configuration and needs no permission: remove it`},
		"not a module":         {one(embedded, "terraform: {allow: {modules: ['']}}"), `e.yaml:6: spec.terraform.allow.modules[0]: "" is not a source of modules: write one like terraform-aws-modules/* or git::https://github.com/example/*`},
		"no command":           {one(embedded, "terraform: {allow: {commands: ['']}}"), `e.yaml:6: spec.terraform.allow.commands[0] is empty: name a program, like aws, or remove it`},
		"unknown word":         {one(embedded, "gate: {onNewEdges: blok}"), `e.yaml:6: spec.gate.onNewEdges: "blok" is not known: did you mean block? (choose one of block, warn, ignore)`},
		"unknown parity":       {one(embedded, "gate: {parity: {cni: same}}"), `e.yaml:6: spec.gate.parity.cni: "same" is not known: choose one of exact, minor, any`},
		"ephemeral embedded":   {one(embedded, "probes: {ephemeral: true}"), "e.yaml:6: spec.probes.ephemeral: the embedded provider's pods are simulated, and nothing is sent from them: remove it"},
		"misspelt probes":      {one(embedded, "probes: {ephemral: true}"), "e.yaml:6: spec.probes.ephemral is not a field: did you mean ephemeral?"},
		"live embedded":        {one(embedded, "gate: {minimumGrade: live}"), "e.yaml:6: spec.gate.minimumGrade: live cannot be met by the embedded provider, whose pods are simulated: choose another provider, or modelled"},
		"no evidence age":      {one(embedded, "gate: {maxEvidenceAge: 0s}"), "e.yaml:6: spec.gate.maxEvidenceAge: no evidence can be that fresh: write a duration like 24h"},
		"long settle time":     {one(embedded, "gate: {settleTime: 2m}"), "e.yaml:6: spec.gate.settleTime: probing ends after settleTimeout, 1m0s: write a shorter duration like 5s, or make that longer"},
		"no settle time":       {one(embedded, "gate: {settleTimeout: 0s}"), "e.yaml:6: spec.gate.settleTimeout: policies take effect seconds after they are written: write a duration like 1m"},
		"no ready time":        {one(embedded, "gate: {readyTimeout: 0s}"), "e.yaml:6: spec.gate.readyTimeout: nothing gets ready in no time: write a duration like 5m"},
		"missing checks":       {one(embedded, "gate: {checks: [cheks.yaml]}"), "e.yaml:6: spec.gate.checks[0]: DIR/cheks.yaml: the file does not exist: create it, or correct the path"},
		"bad cluster name":     {one(embedded, "clusterName: A_b"), `e.yaml:6: spec.clusterName: "A_b" is not a name for a local cluster: use up to 50 lower-case letters, digits and hyphens`},
		"unknown after":        {one(embedded, "gate: {after: [stging]}"), `e.yaml:6: spec.gate.after[0]: there is no environment "stging": choose one of e`},
		"after itself":         {one(embedded, "gate: {after: [e]}"), "e.yaml:6: spec.gate.after: e comes after itself (e after e): remove one of these"},
		"no name":              {map[string]string{"e.yaml": environment("", embedded)}, "e.yaml:3: metadata.name is missing: give the environment a name, like staging"},
		"unknown kind":         {map[string]string{"e.yaml": "apiVersion: stagegate.dev/v1alpha1\nkind: Enviroment\n"}, `e.yaml:2: kind "Enviroment" is not known: did you mean Environment? (choose one of Environment, Checks)`},
		"other version":        {map[string]string{"e.yaml": "apiVersion: stagegate.dev/v2\nkind: Environment\n"}, `e.yaml:1: apiVersion "stagegate.dev/v2" is not supported: write stagegate.dev/v1alpha1`},
		"no kind":              {map[string]string{"e.yaml": "spec: {}\n"}, "e.yaml:1: apiVersion and kind are missing: begin with apiVersion: stagegate.dev/v1alpha1 and kind: Environment"},
		"not YAML":             {map[string]string{"e.yaml": "a: b\n c: d\n"}, "e.yaml:2: mapping values are not allowed in this context"},
		"binary":               {map[string]string{"e.yaml": "a\x00b"}, "e.yaml:1: control characters are not allowed"},
		"not fields":           {map[string]string{"e.yaml": "- a\n"}, "e.yaml:1: expected fields (apiVersion, kind, …), found a list"},
		"oversized":            {map[string]string{"e.yaml": strings.Repeat("# long\n", 200_000)}, "e.yaml:1: the file is larger than 1048576 bytes: split it"},
		"nothing":              {map[string]string{"values.yaml": "a: b"}, "DIR: there is no document of kind Environment in its *.yaml files: write one, or name another directory with --environments"},
		"same name": {
			map[string]string{"a.yaml": staging, "b.yaml": staging},
			"b.yaml:3: the environment staging is already defined at DIR/a.yaml:3: rename one of the two",
		},
		"same cluster": {
			map[string]string{"a.yaml": staging, "b.yaml": environment("production", embedded, "clusterName: staging")},
			"b.yaml:6: the cluster name staging is also that of the environment staging (DIR/a.yaml:5): each environment needs a cluster of its own",
		},
		"live after embedded": {
			map[string]string{"a.yaml": staging, "b.yaml": environment("production", "provider: {kubeconfig: {context: prod}}", "gate: {after: [staging]}")},
			"b.yaml:6: spec.gate.minimumGrade: live is asked of the evidence of staging too, which asks for modelled: write live there (an embedded cluster cannot give it), or modelled here",
		},
		"live after modelled": {
			map[string]string{
				"a.yaml": environment("staging", "provider: {kind: {}}", "gate: {minimumGrade: modelled}"),
				"b.yaml": environment("production", "provider: {kind: {}}", "gate: {after: [staging], minimumGrade: live}"),
			},
			"b.yaml:6: spec.gate.minimumGrade: live is asked of the evidence of staging too, which asks for modelled: write live there (an embedded cluster cannot give it), or modelled here",
		},
		"cycle": {
			map[string]string{"a.yaml": environment("a", embedded, "gate: {after: [b]}"), "b.yaml": environment("b", embedded, "gate: {after: [a]}")},
			"a.yaml:6: spec.gate.after: a comes after itself (a after b after a): remove one of these\nDIR/b.yaml:6: spec.gate.after: b comes after itself (b after a after b): remove one of these",
		},
		"several at once": {
			map[string]string{"a.yaml": environment("a", embedded, "gate: {onNewEdges: x, soak: y}"), "b.yaml": environment("b")},
			"a.yaml:6: spec.gate.soak: \"y\" is not a duration: write it like 30s, 5m or 1h30m\nDIR/b.yaml:4: spec.provider is missing: choose one of embedded, kind, kubeconfig, terraform; to try things out, write provider: {embedded: {}}",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := filetest.Directory(t, test.files)
			_, err := config.LoadDirectory(dir)
			wantError(t, dir, err, test.want)
		})
	}
}

func one(spec ...string) map[string]string {
	return map[string]string{"e.yaml": environment("e", spec...)}
}

// wantError compares an error's text, in which the directory reads DIR.
func wantError(t *testing.T, dir string, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", want)
	}
	got := strings.ReplaceAll(err.Error(), dir, "DIR")
	if got = strings.TrimPrefix(got, "DIR/"); got != want {
		t.Errorf("error\n got %s\nwant %s", got, want)
	}
}

func TestAliases(t *testing.T) {
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i, last := range []string{"a0", "a1", "a2", "a3", "a4", "a5"} {
		name := "a" + string(rune('1'+i))
		bomb += name + ": &" + name + " [" + strings.TrimSuffix(strings.Repeat("*"+last+", ", 10), ", ") + "]\n"
	}
	dir := filetest.Directory(t, map[string]string{"e.yaml": bomb})
	_, err := config.LoadDirectory(dir)
	if err == nil || !strings.Contains(err.Error(), "e.yaml:1: the document is too large or too deep once its aliases are resolved") {
		t.Errorf("error = %v", err)
	}
	dir = filetest.Directory(t, map[string]string{"e.yaml": environment("e", "provider: {kubeconfig: {path: &p x, context: *p}}")})
	all, err := config.LoadDirectory(dir)
	if err != nil || all[0].Provider.Kubeconfig.Context != "x" {
		t.Errorf("LoadDirectory = %v, %v; want the alias resolved", all, err)
	}
}

func TestMissingDirectory(t *testing.T) {
	_, err := config.LoadDirectory("nowhere")
	want := "reading environments: open nowhere: no such file or directory: create the directory, or name another with --environments"
	if err == nil || err.Error() != want {
		t.Errorf("error = %v\nwant    %s", err, want)
	}
}
