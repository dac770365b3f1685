package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/model"
	"github.com/stagegate/stagegate/internal/reach/topology"
	"github.com/stagegate/stagegate/internal/snapshot"
	"github.com/stagegate/stagegate/internal/snapshot/directory"
)

type reachOptions struct {
	*factory
	pods bool
}

func newReach(f *factory) *cobra.Command {
	o := &reachOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "reach [DIR]",
		Short: "Print what can be reached now, and why the rest cannot",
		Long: `Discovers the edges of an environment's cluster, or of a directory of manifests, and
prints the outcome of each: what Ingress and HTTPRoute objects publish, what Services
offer to the workloads beside them and to those that name them, and what the checks
files declare.`,
		Example: `  stagegate reach --cluster-name staging
  stagegate reach ./manifests
  stagegate reach ./manifests --pods -o json`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error { return o.run(cmd.Context(), given) },
	}
	cmd.Flags().BoolVar(&o.pods, "pods", false, "every pair of pods and every declared port, instead of the discovered edges")
	return cmd
}

func (o *reachOptions) run(ctx context.Context, given []string) error {
	ctx, cancel := o.deadline(ctx)
	defer cancel()
	var matrix reach.Matrix
	var err error
	if len(given) == 1 {
		if o.clusterName != "" {
			return usagef("reach %s --cluster-name: name a directory or a cluster, not both", given[0])
		}
		matrix, err = o.ofDirectory(ctx, given[0])
	} else {
		matrix, err = o.ofCluster(ctx)
	}
	if err != nil {
		return err
	}
	return o.writeMatrix(matrix)
}

func (o *reachOptions) ofDirectory(ctx context.Context, dir string) (reach.Matrix, error) {
	state, err := directory.Load(ctx, dir)
	if err != nil {
		return reach.Matrix{}, err
	}
	return o.model(ctx, state, config.DefaultChecks())
}

func (o *reachOptions) model(ctx context.Context, state *snapshot.Snapshot, checks config.Checks) (reach.Matrix, error) {
	if !o.pods {
		_, matrix, err := pipeline.Model(ctx, state, checks)
		return matrix, err
	}
	m, err := model.New(state, topology.Build(state))
	if err != nil {
		return reach.Matrix{}, err
	}
	pairs, err := m.Pods(ctx)
	if err != nil {
		return reach.Matrix{}, err
	}
	return pairs.Matrix(), nil
}

func (o *reachOptions) ofCluster(ctx context.Context) (matrix reach.Matrix, err error) {
	envs, err := o.loadEnvironments()
	if err != nil {
		return matrix, err
	}
	env, err := o.selectEnvironment(envs, "named", func(*config.Environment) bool { return true })
	if err != nil {
		return matrix, err
	}
	checks, err := env.LoadChecks()
	if err != nil {
		return matrix, err
	}
	runner, err := o.runner(envs)
	if err != nil {
		return matrix, err
	}
	defer runner.Progress.Close()
	step := runner.Progress.Step(env.Name + ": cluster")
	up, err := runner.FindCluster(ctx, env, step.Update)
	if err != nil {
		step.Fail(err)
		return matrix, err
	}
	step.Done(up.Version)
	defer func() { err = errors.Join(err, up.Release(context.WithoutCancel(ctx))) }()
	if o.pods {
		state, err := takeLive(ctx, up)
		if err != nil {
			return matrix, err
		}
		return o.model(ctx, state, checks)
	}
	p, err := o.proberOf(ctx, runner, fmt.Sprintf("reach-%d", now().UnixNano()), env, up, checks, 2)
	if err != nil {
		return matrix, err
	}
	defer func() { err = errors.Join(err, p.Close(context.WithoutCancel(ctx))) }()
	_, matrix, err = p.Probe(ctx)
	return matrix, err
}
