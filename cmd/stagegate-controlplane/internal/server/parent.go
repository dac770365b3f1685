package server

import (
	"context"
	"errors"
	"os"
	"time"
)

var errOrphaned = errors.New("the process that started this one is gone")

// watchParent ends the context when the parent process is gone (the kernel then hands
// this one to another parent) and the cluster is not to be kept.
func watchParent(ctx context.Context, cancel context.CancelCauseFunc) {
	parent := os.Getppid()
	go func() {
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if os.Getppid() == parent {
					continue
				}
				if _, err := os.Stat(keepFile); err != nil {
					cancel(errOrphaned)
				}
				return
			}
		}
	}()
}
