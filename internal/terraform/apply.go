package terraform

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/stagegate/stagegate/internal/durable"
)

// follow is how often the output of an apply is looked for.
const follow = 100 * time.Millisecond

// ErrKilled is among the errors of an apply that did not end by itself: what it had begun
// is not all in the state.
var ErrKilled = errors.New("the Terraform at work was killed: look at the state before anything else is done")

// Apply applies a saved plan, once everything that it rests on is found to be as it was:
// else the error is a *StaleError and nothing was done. Begin is called right before
// anything may be changed. Where the state could not be saved, the error is an *ErroredError.
func (w *Workspace) Apply(ctx context.Context, p *Plan, begin func() error) error {
	given, err := w.fresh(ctx, p)
	if err != nil {
		return err
	}
	if err := begin(); err != nil {
		return err
	}
	w.options.Progress.send("%s apply", w.options.Binary)
	err = w.applyPlan(ctx, p.file, given)
	if kept := w.Unsaved(); kept != nil {
		return errors.Join(kept, err)
	}
	return errors.Join(err, p.discard())
}

// fresh compares what the plan was bound to with what is now, and returns the variables.
func (w *Workspace) fresh(ctx context.Context, p *Plan) (given, error) {
	content, err := os.ReadFile(p.file + bindingSuffix)
	if err != nil {
		return nil, fmt.Errorf("reading what the plan is bound to: %w", err)
	}
	var then Binding
	if err := json.Unmarshal(content, &then); err != nil {
		return nil, fmt.Errorf("reading what the plan is bound to: %w", err)
	}
	given, err := w.given()
	if err != nil {
		return nil, err
	}
	state, err := w.State(ctx)
	if err != nil {
		return nil, err
	}
	now, err := w.bind(state, given)
	if err != nil {
		return nil, err
	}
	if now.Plan, err = sumOf(p.file); err != nil {
		return nil, err
	}
	return given, then.check(now)
}

// logFile is the output of the last apply. A file and not a pipe: should this process be
// killed, Terraform must be able to go on writing and save its state.
const logFile = "apply.jsonl"

// applyPlan runs the one command that changes anything. The child holds the lock of the
// private directory too, so that whoever comes after a killed process waits for it.
func (w *Workspace) applyPlan(ctx context.Context, file string, g given) error {
	args := []string{"apply", "-json", "-input=false", "-lock-timeout=" + w.options.LockTimeout.String()}
	if w.config.Module.ephemeral() {
		files, remove, err := w.hand(g)
		defer remove()
		if err != nil {
			return err
		}
		for _, f := range files {
			args = append(args, "-var-file="+f)
		}
	}
	log, err := os.OpenFile(filepath.Join(w.dir, logFile), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("making the log of the apply: %w", err)
	}
	defer log.Close()
	cmd := w.command(ctx, append(args, file)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{w.lock}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting Terraform: %w", err)
	}
	l := &listener{workspace: w}
	done, followed := make(chan struct{}), make(chan error, 1)
	go func() { followed <- l.follow(log.Name(), done) }()
	err = cmd.Wait()
	close(done)
	if read := errors.Join(<-followed, w.redactLog()); read != nil {
		return errors.Join(err, read)
	}
	if err == nil {
		return nil
	}
	err = l.failed(err)
	if !cmd.ProcessState.Exited() {
		err = errors.Join(ErrKilled, err)
	}
	if ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	return err
}

// redactLog takes out of the log what providers and provisioners may have quoted.
func (w *Workspace) redactLog() error {
	name := filepath.Join(w.dir, logFile)
	content, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the log of the apply: %w", err)
	}
	redacted := w.secrets.redact(string(content))
	if redacted == string(content) {
		return nil
	}
	return durable.Write(name, []byte(redacted), 0o600)
}

// follow reads a growing file until it is told that nothing more comes.
func (l *listener) follow(name string, done <-chan struct{}) error {
	log, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("reading the log of the apply: %w", err)
	}
	defer log.Close()
	for {
		last := false
		select {
		case <-done:
			last = true
		case <-time.After(follow):
		}
		if _, err := io.Copy(l, log); err != nil {
			return fmt.Errorf("reading the log of the apply: %w", err)
		}
		if last {
			return nil
		}
	}
}

// Unfinished lists the addresses that the last apply had begun to change and did not come
// back from: whether those were changed is not known.
func (w *Workspace) Unfinished() ([]string, error) {
	log, err := os.Open(filepath.Join(w.dir, logFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the log of the apply: %w", err)
	}
	defer log.Close()
	var begun []string
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var m message
		if json.Unmarshal(lines.Bytes(), &m) != nil {
			continue
		}
		begun = m.track(begun)
	}
	return begun, lines.Err()
}

// track adds a resource that is begun, and takes out one that has ended.
func (m message) track(begun []string) []string {
	address := m.Hook.Resource.Addr
	switch m.Type {
	case "apply_start":
		return append(begun, address)
	case "apply_complete", "apply_errored":
		for i, a := range begun {
			if a == address {
				return append(begun[:i:i], begun[i+1:]...)
			}
		}
	}
	return begun
}
