// Command stagegate-controlplane is a whole Kubernetes control plane in one process:
// etcd, kube-apiserver, the controllers that make workloads behave, and simulated nodes
// and pods. The embedded provider of stagegate starts it; it listens on loopback only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/stagegate/stagegate/cmd/stagegate-controlplane/internal/etcd"
	"github.com/stagegate/stagegate/cmd/stagegate-controlplane/internal/server"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "stagegate-controlplane:", err)
		os.Exit(exitCode(err))
	}
}

// exitCode tells data that cannot be read, which the caller can mend, from the rest.
func exitCode(err error) int {
	if errors.Is(err, etcd.ErrUnreadable) {
		return 4
	}
	return 1
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("stagegate-controlplane", flag.ContinueOnError)
	var options server.Options
	flags.StringVar(&options.StateDir, "state-dir", "", "directory that holds the cluster's state, credentials and log (required)")
	flags.BoolVar(&options.ExitWithParent, "exit-with-parent", false, "stop when the process that started this one is gone")
	flags.StringVar(&options.Assets, "assets", "", "run etcd and kube-apiserver from this directory instead of the built-in ones")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if options.StateDir == "" || flags.NArg() > 0 {
		return fmt.Errorf("usage: stagegate-controlplane --state-dir DIR [--exit-with-parent] [--assets DIR]")
	}
	return server.Run(ctx, options)
}
