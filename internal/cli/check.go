package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/snapshot"
	"github.com/stagegate/stagegate/internal/snapshot/directory"
	"github.com/stagegate/stagegate/internal/snapshot/live"
)

type checkOptions struct {
	*factory
	change  changeFlags
	against string
	live    bool
	trust   bool
}

func newCheck(f *factory) *cobra.Command {
	o := &checkOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "check CHANGE",
		Short: "Before a merge: what would the change cut off? Nothing is touched",
		Long: `Renders the change, validates it, and models what it would do to reachability in the
state of an environment: the manifests of its base, or of a directory (--against), or
what its cluster runs now (--live, read only). No packet is sent and nothing is applied,
so a check is a first look, never evidence.

Making a Terraform plan runs code that the configuration chooses. So a configuration is
only read, not planned: what would run programs is refused, and the manifests in it are
modelled as far as they follow from variables. --trust makes a real plan instead, for
a change that somebody has reviewed.`,
		Example: `  stagegate check ./change
  stagegate check ./change --against ./cluster-manifests
  stagegate check change.yaml --cluster-name production --live
  stagegate check ./charts/shop -f values.yaml -o markdown > comment.md`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error { return o.run(cmd.Context(), given[0]) },
	}
	o.change.add(cmd)
	cmd.Flags().StringVar(&o.against, "against", "", "directory (or file) of manifests that is the state to compare with")
	cmd.Flags().BoolVar(&o.live, "live", false, "compare with what the environment's cluster runs now")
	cmd.Flags().BoolVar(&o.trust, "trust", false, "make a plan of a Terraform configuration, which runs code that it chooses (best with --live)")
	o.addAllowDelete(cmd, mayGo)
	return cmd
}

func (o *checkOptions) run(ctx context.Context, path string) (err error) {
	if o.live && o.against != "" {
		return usagef("--live and --against: use one of the two")
	}
	if len(o.allowDelete) > 0 && !o.trust {
		return usagef("--allow-delete is for a plan, which check makes only with --trust")
	}
	if err := o.change.validate(); err != nil {
		return err
	}
	ctx, cancel := o.deadline(ctx)
	defer cancel()
	env, err := o.environment()
	if err != nil {
		return err
	}
	ch, err := o.change.load(ctx, path, o.loaders())
	if err != nil {
		return err
	}
	progress := o.progress()
	defer progress.Close()
	c, up, err := o.state(ctx, env)
	if up != nil {
		defer func() { err = errors.Join(err, up.Release(context.WithoutCancel(ctx))) }()
	}
	if err != nil {
		return err
	}
	if c.Inspectors, err = o.inspectors(env, up); err != nil {
		return err
	}
	runner := &pipeline.Runner{Progress: progress, Now: now, Version: version()}
	result, err := runner.Check(ctx, c, ch)
	if err != nil {
		return err
	}
	o.warnOfUnused(result)
	return errors.Join(o.write(result), withCode(result.ExitCode))
}

// environment is the one to check against: production where nothing else is said. With
// --against alone there need not be any environment file.
func (o *checkOptions) environment() (*config.Environment, error) {
	envs, err := o.loadEnvironments()
	if err != nil {
		if o.against != "" && o.clusterName == "" && errors.Is(err, fs.ErrNotExist) {
			return config.Default("manifests"), nil
		}
		return nil, err
	}
	return o.selectEnvironment(envs, "production", isProduction)
}

// state reads what the change is compared with. A cluster that was asked is returned, to
// be released in the end.
func (o *checkOptions) state(ctx context.Context, env *config.Environment) (pipeline.Check, *cluster.Cluster, error) {
	c := pipeline.Check{Environment: env, Target: change.Target{ClusterName: env.ClusterName, Variables: env.Variables}}
	var up *cluster.Cluster
	var err error
	switch {
	case o.against != "":
		c.StateName = o.against
		c.State, err = directory.Load(ctx, o.against)
	case o.live:
		up, err = o.liveState(ctx, env, &c)
	case len(env.Base) > 0:
		c.StateName = "base of " + env.Name + " (" + strings.Join(env.Base, ", ") + ")"
		c.State, err = pipeline.BaseState(ctx, env, o.loaders())
	default:
		err = fmt.Errorf("environment %s has no base to compare with: use --live, or --against with a directory of manifests (kubectl get -A -o yaml of what runs)", env.Name)
	}
	return c, up, err
}

func (o *checkOptions) liveState(ctx context.Context, env *config.Environment, c *pipeline.Check) (*cluster.Cluster, error) {
	p, err := o.provider(env)
	if err != nil {
		return nil, err
	}
	up, err := cluster.Find(ctx, p, env.ClusterName, func(string, ...any) {})
	if err != nil {
		return nil, err
	}
	if c.Target, err = pipeline.Target(ctx, env, up); err != nil {
		return up, err
	}
	c.StateName = "cluster " + env.ClusterName
	c.State, err = takeLive(ctx, up)
	return up, err
}

func takeLive(ctx context.Context, up *cluster.Cluster) (*snapshot.Snapshot, error) {
	state, err := live.Take(ctx, up.REST)
	if err != nil {
		return nil, fmt.Errorf("reading cluster %s: %w", up.Name, err)
	}
	return state, nil
}
