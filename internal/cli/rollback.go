package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/lock"
)

func newRollback(f *factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rollback RUN --cluster-name NAME",
		Short: "Take back what a run applied to an environment",
		Long: `Takes back what a run applied to the environment of --cluster-name, from the records
that the run kept, and probes again. It may be run until nothing is left: what has been
put back already is left alone.

What the run created with Terraform and what may hold data since (databases, volumes,
clusters, …) is left once the run has passed, unless --allow-delete names it.`,
		Example: `  stagegate rollback 20260102-150405-a1b2c3 --cluster-name staging
  stagegate rollback 20260102-150405-a1b2c3 --cluster-name staging --allow-delete aws_db_instance.orders`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			return f.rollback(cmd.Context(), given[0])
		},
	}
	f.addAllowDelete(cmd, "what the run created and may be deleted although it may hold data")
	return cmd
}

func (f *factory) rollback(ctx context.Context, runID string) error {
	envs, env, err := f.namedEnvironment()
	if err != nil {
		return err
	}
	runner, err := f.runner(envs)
	if err != nil {
		return err
	}
	ctx, cancel := f.deadline(ctx)
	defer cancel()
	result, err := runner.Rollback(ctx, env, runID)
	runner.Progress.Close()
	if result == nil {
		return err
	}
	return errors.Join(f.write(result), withCode(result.ExitCode))
}

func newUnlock(f *factory) *cobra.Command {
	var runID string
	cmd := &cobra.Command{
		Use:     "unlock --run-id RUN --cluster-name NAME",
		Short:   "Give up the lock of a run that died",
		Long:    `Removes the lock that a run holds on the environment of --cluster-name. Be sure that the run is dead: should it wake up, its next step is refused.`,
		Example: `  stagegate unlock --run-id 20260102-150405-a1b2c3 --cluster-name production`,
		Args:    args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runID == "" {
				return usagef("--run-id is missing: the message about the lock names it")
			}
			return f.unlock(cmd.Context(), runID)
		},
	}
	cmd.Flags().StringVar(&runID, "run-id", "", "the run that holds the lock")
	return cmd
}

func (f *factory) unlock(ctx context.Context, runID string) (err error) {
	_, env, err := f.namedEnvironment()
	if err != nil {
		return err
	}
	p, err := f.provider(env)
	if err != nil {
		return err
	}
	up, err := cluster.Find(ctx, p, env.ClusterName, func(string, ...any) {})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, up.Release(context.WithoutCancel(ctx))) }()
	if err := lock.Break(ctx, up, env.Name, runID); err != nil {
		return err
	}
	fmt.Fprintf(f.streams.Out, "the lock of run %s on %s is gone\n", runID, env.Name)
	return nil
}
