//go:build unix

package terraform

import (
	"os/exec"
	"syscall"
)

// detach puts a command into a process group of its own: Ctrl-C reaches this program
// alone, which passes it on once.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
