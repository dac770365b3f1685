//go:build unix

package embedded

import "syscall"

// detached keeps the terminal's Ctrl-C from the control plane: this process decides.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
