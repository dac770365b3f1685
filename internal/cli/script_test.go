package cli_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/stagegate/stagegate/internal/cli"
	"github.com/stagegate/stagegate/internal/journal"
)

var update = flag.Bool("update", false, "write what commands print into the scripts that compare it")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"stagegate": func() {
			os.Exit(cli.Main(context.Background(), os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
		},
		"stagegate-killed": killed,
		"states":           states,
	})
}

// killed runs a command whose process is killed right after an entry of its journal:
// stagegate-killed "KIND STEP" [ARG…].
func killed() {
	at := os.Args[1]
	os.Exit(cli.MainRecorded(context.Background(), os.Args[2:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr},
		func(kind journal.Kind, step, _ string) {
			if string(kind)+" "+step == at {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {} // until it dies
			}
		}))
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
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "copydir": copyDir, "appears": appears, "capture": capture,
		},
	})
}
