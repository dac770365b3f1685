package cli_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/stagegate/stagegate/internal/cli"
)

var update = flag.Bool("update", false, "write what commands print into the scripts that compare it")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"stagegate": func() {
			os.Exit(cli.Main(context.Background(), os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
		},
	})
}

// TestScripts runs whole commands as a user would. $SHIPPED holds the environments and
// the changes that the project ships with.
func TestScripts(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("SHIPPED", root)
			env.Setenv("STAGEGATE_HOME", filepath.Join(env.WorkDir, "home"))
			return findControlPlane(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "copydir": copyDir},
	})
}
