package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/stagegate/stagegate/internal/apply"
	"github.com/stagegate/stagegate/internal/apply/applytest"
	"github.com/stagegate/stagegate/internal/cluster/embedded/controlplane"
	"github.com/stagegate/stagegate/internal/lock"
	"github.com/stagegate/stagegate/internal/report"
)

// user runs commands in a directory of its own.
type user struct {
	dir, self string
	env       []string
}

func newUser(t *testing.T) *user {
	t.Helper()
	binary, err := controlplane.Find(t.Context(), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	u := &user{dir: t.TempDir(), self: self}
	u.env = append(os.Environ(), "STAGEGATE_CONTROLPLANE="+binary, "STAGEGATE_HOME="+filepath.Join(u.dir, "home"))
	for _, program := range []string{"stagegate", "stagegate-killed"} { // by its name the test's binary knows what to be
		if err := os.Symlink(self, filepath.Join(u.dir, program)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(u.dir, "environments"), os.DirFS("../../environments")); err != nil {
		t.Fatal(err)
	}
	return u
}

// run returns what a command printed on stdout, and how its process ended.
func (u *user) run(t *testing.T, program string, args ...string) (string, syscall.WaitStatus) {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), filepath.Join(u.dir, program), args...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = u.dir, u.env, &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	t.Logf("$ %s %s\n%s", program, strings.Join(args, " "), errs.String())
	return out.String(), cmd.ProcessState.Sys().(syscall.WaitStatus)
}

func (u *user) result(t *testing.T, exit int, args ...string) *report.Result {
	t.Helper()
	out, status := u.run(t, "stagegate", append(args, "-o", "json")...)
	if status.ExitStatus() != exit {
		t.Fatalf("%v ended with %d, want %d:\n%s", args, status.ExitStatus(), exit, out)
	}
	result := &report.Result{}
	if err := json.Unmarshal([]byte(out), result); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return result
}

// lastRun is the id of the newest run.
func (u *user) lastRun(t *testing.T) string {
	t.Helper()
	runs, err := os.ReadDir(filepath.Join(u.dir, "home", "runs"))
	if err != nil || len(runs) == 0 {
		t.Fatalf("there are no runs: %v", err)
	}
	return runs[len(runs)-1].Name()
}

// up brings the staging cluster up, and returns clients for it.
func (u *user) up(t *testing.T) *apply.Clients {
	t.Helper()
	out, status := u.run(t, "stagegate", "env", "up", "--cluster-name", "staging")
	_, kubeconfig, found := strings.Cut(out, "export KUBECONFIG=")
	if !found || status.ExitStatus() != 0 {
		t.Fatalf("env up: %d\n%s", status.ExitStatus(), out)
	}
	t.Cleanup(func() { u.run(t, "stagegate", "env", "down", "--cluster-name", "staging", "--yes") })
	config, err := clientcmd.BuildConfigFromFlags("", strings.TrimSpace(kubeconfig))
	if err != nil {
		t.Fatal(err)
	}
	config.QPS, config.Burst = 500, 500
	clients, err := apply.NewClients(config)
	if err != nil {
		t.Fatal(err)
	}
	return clients
}

const changeThatPasses = `apiVersion: v1
kind: Namespace
metadata: {name: news}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: news, namespace: news}
data: {a: b}
`

const changeThatCuts = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: cut, namespace: catalog}
spec: {podSelector: {}, policyTypes: [Ingress]}
`

// A run that is killed at any entry of its journal, and resumed, leaves the cluster as an
// undisturbed run does.
func TestResumeAfterKill(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: it starts a control plane")
	}
	u := newUser(t)
	cluster := u.up(t)
	before := applytest.Dump(t, cluster)
	for name, test := range map[string]struct {
		change string
		exit   int
		kills  []string
	}{
		"passes": {changeThatPasses, 0, []string{
			"note given", "done lock", "begin plan", "begin apply", "begin apply manifest change.yaml",
			"done apply manifest change.yaml", "begin verify", "note decided", "begin evidence", "done evidence",
		}},
		"cuts": {changeThatCuts, 3, []string{
			"done apply", "note decided", "begin revert", "done revert", "done re-probe", "note restored", "done evidence",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(u.dir, "change.yaml"), []byte(test.change), 0o600); err != nil {
				t.Fatal(err)
			}
			r := u.result(t, test.exit, "stage", "change.yaml")
			want := applytest.Dump(t, cluster)
			u.takeBack(t, test.exit, r.RunID)
			for _, at := range test.kills {
				t.Run(at, func(t *testing.T) {
					if _, status := u.run(t, "stagegate-killed", at, "stage", "change.yaml"); !status.Signaled() {
						t.Fatalf("the process was not killed: it ended with %d", status.ExitStatus())
					}
					id := u.lastRun(t)
					r := u.result(t, test.exit, "resume", id)
					if r.RunID != id || len(r.Environments) != 1 || r.Environments[0].Evidence == "" && at != "done evidence" {
						t.Errorf("the resumed run: %+v", r)
					}
					unlocked(t, cluster)
					applytest.Same(t, cluster, want)
					u.takeBack(t, test.exit, id)
					applytest.Same(t, cluster, before)
				})
			}
		})
	}
}

// unlocked wants the environment free for the next run.
func unlocked(t *testing.T, cluster *apply.Clients) {
	t.Helper()
	lease, err := cluster.Typed.CoordinationV1().Leases(lock.Namespace).Get(t.Context(), "stagegate-staging", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if holder := lease.Spec.HolderIdentity; holder != nil {
		t.Errorf("the environment is still locked by run %s", *holder)
	}
}

// takeBack rolls a run back that passed.
func (u *user) takeBack(t *testing.T, exit int, id string) {
	t.Helper()
	if exit == 0 {
		u.result(t, 0, "rollback", id, "--cluster-name", "staging")
	}
}
