package terraform_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stagegate/stagegate/internal/filetest"
	"github.com/stagegate/stagegate/internal/terraform"
	"github.com/stagegate/stagegate/internal/terraform/terraformtest"
)

// remote is a backend of type http, in memory.
type remote struct {
	mu    sync.Mutex
	state []byte
	lock  []byte
	// broken refuses to store states.
	broken bool
}

func (r *remote) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, err := io.ReadAll(q.Body)
	switch {
	case err != nil:
		w.WriteHeader(http.StatusBadRequest)
	case q.Method == "LOCK" && r.lock != nil:
		w.WriteHeader(http.StatusLocked)
		w.Write(r.lock)
	case q.Method == "LOCK":
		r.lock = body
	case q.Method == "UNLOCK":
		r.lock = nil
	case q.Method == http.MethodPost && r.broken:
		w.WriteHeader(http.StatusBadRequest)
	case q.Method == http.MethodPost:
		r.state = body
	case r.state == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Write(r.state)
	}
}

func (r *remote) set(change func(*remote)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(r)
}

// openRemote opens a configuration with its state in a remote backend, and with a module
// beside it, so that the root module is not at the top of the private copy.
func openRemote(t *testing.T) (*remote, *terraform.Workspace, func() error) {
	t.Helper()
	terraformtest.Need(t)
	r := &remote{}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	dir := filetest.Into(t, t.TempDir(), map[string]string{
		"live/in fra/main.tf": tiny + "terraform {\n  backend \"http\" {}\n}\nmodule \"x\" {\n  source = \"../../x\"\n}\n",
		"x/x.tf":              "locals {\n  a = 1\n}\n",
	})
	dir = filepath.Join(dir, "live", "in fra")
	o := options(t, "staging")
	o.BackendConfig = map[string]string{"address": server.URL, "lock_address": server.URL, "unlock_address": server.URL, "retry_max": "0"}
	w := open(t, dir, o)
	again := func() error {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		second, err := terraform.Open(context.WithoutCancel(t.Context()), read(t, dir), o)
		if err == nil {
			err = second.Close()
		}
		return err
	}
	return r, w, again
}

// follow does what an error says between quotes.
func follow(t *testing.T, err error, answer string) {
	t.Helper()
	_, command, _ := strings.Cut(err.Error(), "run \"")
	command, _, _ = strings.Cut(command, "\"")
	cmd := exec.Command("sh", "-c", command)
	cmd.Stdin = strings.NewReader(answer)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

func TestHeldLockOfARemoteBackend(t *testing.T) {
	r, w, _ := openRemote(t)
	r.set(func(r *remote) {
		r.lock = []byte(`{"ID":"3f2a","Operation":"OperationTypeApply","Who":"jo@laptop","Version":"1.11.4","Created":"2026-01-02T15:04:05Z","Path":""}`)
	})
	err := tryPlan(t, w)
	var locked *terraform.LockedError
	want := "the state is locked by someone since an unknown time (lock 3f2a, an unknown operation): wait for that run to end; if it is dead, run \"" +
		w.Instruction("force-unlock", "3f2a") + "\", then this again"
	if !errors.As(err, &locked) || err.Error() != want {
		t.Fatalf("error is %v\nwant %s", err, want)
	}
	follow(t, err, "yes\n")
	if err := tryPlan(t, w); err != nil {
		t.Errorf("after the lock was broken: %v", err)
	}
}

func TestStateThatCannotBeSavedIsKept(t *testing.T) {
	r, w, again := openRemote(t)
	p := plan(t, w)
	r.set(func(r *remote) { r.broken = true })
	err := w.Apply(t.Context(), p, begun)
	var errored *terraform.ErroredError
	if !errors.As(err, &errored) {
		t.Fatalf("error is %v, want a state that could not be saved", err)
	}
	content, readErr := os.ReadFile(errored.File)
	if readErr != nil || !strings.Contains(string(content), "staging 1") {
		t.Fatalf("%s holds %s, %v, want the state", errored.File, content, readErr)
	}
	// Nothing is done, and nothing lost, until someone has dealt with it.
	if err = again(); !errors.As(err, &errored) {
		t.Fatalf("opening again: %v, want the same refusal", err)
	}
	if _, err := os.Stat(errored.File); err != nil {
		t.Error(err)
	}
	r.set(func(r *remote) { r.broken = false })
	follow(t, err, "")
	if !strings.Contains(string(r.state), "staging 1") {
		t.Errorf("the backend has %s, want the state that was kept", r.state)
	}
	if err := os.Remove(errored.File); err != nil {
		t.Fatal(err)
	}
	if err := again(); err != nil {
		t.Errorf("opening again after the file was dealt with: %v", err)
	}
}

func TestRefusesSettingsWithoutABackend(t *testing.T) {
	terraformtest.Need(t)
	dir := filetest.Into(t, t.TempDir(), map[string]string{"main.tf": declares})
	o := options(t, "staging")
	o.BackendConfig = map[string]string{"bucket": "states"}
	_, err := terraform.Open(t.Context(), read(t, dir), o)
	want := "spec.terraform.backendConfig.bucket of environment staging: the configuration " + dir + ` has no backend that could take it: add a backend block to it, such as terraform { backend "s3" {} }`
	if err == nil || err.Error() != want {
		t.Errorf("error is %v\nwant %s", err, want)
	}
}

func TestHeldLockNamesItsHolder(t *testing.T) {
	terraformtest.Need(t)
	slow := filetest.Into(t, t.TempDir(), map[string]string{"main.tf": declares + `
resource "terraform_data" "slow" {
  provisioner "local-exec" {
    command = "sleep 3"
  }
}
`})
	o := options(t, "staging")
	o.BackendConfig = map[string]string{"path": filepath.Join(t.TempDir(), "terraform.tfstate")}
	o.Key = "another"
	other := open(t, slow, o)
	o.Key = ""
	applying := make(chan struct{})
	o.Progress = func(format string, args ...any) {
		if strings.Contains(fmt.Sprintf(format, args...), "Provisioning with") {
			close(applying)
		}
	}
	holder := open(t, slow, o)
	p := plan(t, holder)
	applied := make(chan error, 1)
	go func() { applied <- holder.Apply(context.WithoutCancel(t.Context()), p, begun) }()
	select {
	case <-applying:
	case err := <-applied:
		t.Fatalf("the apply ended, %v, before it had begun", err)
	}
	err := tryPlan(t, other)
	var locked *terraform.LockedError
	if !errors.As(err, &locked) {
		t.Fatalf("error is %v, want a held lock", err)
	}
	if host, err := os.Hostname(); err != nil || !strings.Contains(locked.Who, host) || locked.ID == "" || locked.Operation != "OperationTypeApply" {
		t.Errorf("locked is %+v, want an apply of this host", locked)
	}
	if err := <-applied; err != nil {
		t.Error(err)
	}
}

func tryPlan(t *testing.T, w *terraform.Workspace) error {
	t.Helper()
	_, err := w.Plan(t.Context(), terraform.PlanOptions{})
	return err
}
