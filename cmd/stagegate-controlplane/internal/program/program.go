// Package program runs parts of the control plane as programs of their own.
package program

import (
	"context"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// New prepares a program that is asked to end when the context does, writes to standard
// error and does not outlive this process where the system can see to that.
func New(ctx context.Context, path string, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, path, arguments...)
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 900 * time.Millisecond
	command.SysProcAttr = tied()
	return command
}
