//go:build !unix

package embedded

import "syscall"

func detached() *syscall.SysProcAttr { return nil }
