// Package cli is the command line: one file per command, and the one place where back
// ends are wired together (wiring.go).
package cli

import (
	"context"
	"fmt"
	"io"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"

	"github.com/stagegate/stagegate/internal/home"
)

// Streams are where a command reads and writes: Out takes the result, Err the progress.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Main runs one command line and returns the process's exit code. The first interrupt
// cancels the command, which then reverts what it did; the second ends the process.
func Main(ctx context.Context, args []string, streams Streams) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)   // from here on a second signal kills
	klog.SetLogger(logr.Discard()) // what client libraries log is no part of any output
	root := NewRoot(streams)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	code, show := exitCode(ctx, err)
	if show != nil {
		fmt.Fprintf(streams.Err, "stagegate: %v\n", show)
	}
	return code
}

// NewRoot makes the command tree. Nothing outside the process is touched until a command runs.
func NewRoot(streams Streams) *cobra.Command {
	return newRoot(&factory{streams: streams, home: home.Dir})
}

func newRoot(f *factory) *cobra.Command {
	streams := f.streams
	root := &cobra.Command{
		Use:   "stagegate",
		Short: "Prove a platform change on staging before production gets it",
		Long: `stagegate takes a proposed change (manifests, a kustomization, a Helm chart, a
Terraform configuration, or a bundle of these), applies it to a staging cluster,
checks that everything that could be reached still can, and promotes the very same
change to production only then.`,
		Example: `  stagegate demo                         the incident, replayed on two local clusters
  stagegate check ./change               before a merge: what would be cut off?
  stagegate promote ./change             staging first, production only on a pass
  stagegate reach --cluster-name staging what can be reached now`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          args(cobra.NoArgs),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	f.addFlags(root)
	root.AddGroup(
		&cobra.Group{ID: "gate", Title: "Gate a change:"},
		&cobra.Group{ID: "look", Title: "Look:"},
		&cobra.Group{ID: "manage", Title: "Manage:"},
	)
	for _, add := range []struct {
		group    string
		commands []*cobra.Command
	}{
		{"gate", []*cobra.Command{newCheck(f), newStage(f), newPromote(f), newResume(f)}},
		{"look", []*cobra.Command{newReach(f), newParity(f), newStatus(f), newHistory(f), newEvidence(f)}},
		{"manage", []*cobra.Command{newEnv(f), newRollback(f), newUnlock(f), newDemo(f), newVersion(f)}},
	} {
		for _, c := range add.commands {
			c.GroupID = add.group
			root.AddCommand(c)
		}
	}
	return root
}
