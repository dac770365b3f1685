package environments_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/change"
	changeterraform "github.com/stagegate/stagegate/internal/change/terraform"
	"github.com/stagegate/stagegate/internal/change/terraform/inspect"
	"github.com/stagegate/stagegate/internal/change/tree"
	"github.com/stagegate/stagegate/internal/config"
)

// TestExamples reads the examples as stagegate does: one configuration, a staging and a
// production that differ in the cluster name, and nothing refused but kind's provisioners.
func TestExamples(t *testing.T) {
	for name, provisioners := range map[string]int{"kind": 2, "eks": 0} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join("examples", name)
			envs, err := config.LoadDirectory(dir)
			if err != nil {
				t.Fatal(err)
			}
			if len(envs) != 2 || envs[0].IsProduction() == envs[1].IsProduction() || envs[0].ClusterName == envs[1].ClusterName {
				t.Fatalf("environments = %+v; want a staging and a production with a cluster name each", envs)
			}
			part, err := changeterraform.Loader{}.Load(t.Context(), change.Source{Path: filepath.Join(dir, "cluster")})
			if err != nil {
				t.Fatal(err)
			}
			files := func(change.Part) ([]tree.File, error) { return part.(*changeterraform.Part).Config().Files, nil }
			found, err := inspect.Inspector(envs[0], files)(t.Context(), part, change.Target{})
			if err != nil {
				t.Fatal(err)
			}
			var others []string
			for _, refused := range found.Refused {
				if strings.Contains(refused, "has a provisioner local-exec") {
					provisioners--
				} else if !strings.Contains(refused, "file() with a file that only a plan knows") { // kind's kubeconfig
					others = append(others, refused)
				}
			}
			if provisioners != 0 || len(others) > 0 {
				t.Errorf("%d provisioners too few; refused: %v", provisioners, others)
			}
		})
	}
}

func TestExamplesAreFormatted(t *testing.T) {
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("skipped: there is no terraform on PATH, and this runs its fmt")
	}
	out, err := exec.CommandContext(t.Context(), terraform, "fmt", "-check", "-recursive", "-diff", "examples").CombinedOutput()
	if err != nil {
		t.Errorf("terraform fmt: %v\n%s", err, out)
	}
}
