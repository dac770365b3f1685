package terraform

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"

	"github.com/stagegate/stagegate/internal/printable"
)

// run runs a command that tfexec cannot: init with a read-only lock file.
func (w *Workspace) run(ctx context.Context, args ...string) error {
	cmd := w.command(ctx, args...)
	var failure bytes.Buffer
	cmd.Stderr = &failure
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	w.relay(out)
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return w.explain(errors.New(failure.String()))
	}
	return nil
}

// command is a Terraform that is asked to end, and killed only when it has not after the
// time of grace: a state that is being written must not be cut off.
func (w *Workspace) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, w.Program.Path, args...)
	cmd.Dir, cmd.Env = w.root, w.environ()
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = w.options.Grace
	detach(cmd)
	return cmd
}

// relay passes output on as progress, to its end.
func (w *Workspace) relay(out io.Reader) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if text := w.secrets.redact(printable.Line(lines.Text())); text != "" {
			w.options.Progress.send("%s", text)
		}
	}
}
