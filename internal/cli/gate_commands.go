package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/report"
)

func newStage(f *factory) *cobra.Command {
	var flags gateFlags
	cmd := &cobra.Command{
		Use:   "stage CHANGE",
		Short: "Apply a change to staging and decide whether it may go on",
		Long: `Brings up the staging cluster, finds what can be reached, applies the change, and
finds it again. What is lost blocks the change, and the change is taken back. The
decision is signed, for stagegate promote.`,
		Example: `  stagegate stage ./manifests
  stagegate stage ./charts/shop -f values.yaml --release shop -n shop
  stagegate stage change.yaml --cluster-name staging -o markdown`,
		Args: args(cobra.ExactArgs(1)),
	}
	flags.add(cmd)
	f.addAllowDelete(cmd, mayGo)
	cmd.RunE = func(cmd *cobra.Command, given []string) error {
		return f.gate(cmd.Context(), &flags, given[0], "staging", isStaging, (*pipeline.Runner).Stage)
	}
	return cmd
}

func newPromote(f *factory) *cobra.Command {
	var flags gateFlags
	cmd := &cobra.Command{
		Use:   "promote CHANGE",
		Short: "Take a change through staging to production",
		Long: `Stages the change unless a valid signed record says that it has passed, then applies
the very same change to production, and looks again. Whatever is lost there is taken
back.`,
		Example: `  stagegate promote change.yaml
  stagegate promote oci://registry.example/charts/shop --version 1.4.2 -n shop
  stagegate promote ./infra                      a Terraform configuration
  stagegate promote ./manifests --cluster-name production --report result.md`,
		Args: args(cobra.ExactArgs(1)),
	}
	flags.add(cmd)
	f.addAllowDelete(cmd, mayGo)
	cmd.RunE = func(cmd *cobra.Command, given []string) error {
		return f.gate(cmd.Context(), &flags, given[0], "production", isProduction, (*pipeline.Runner).Promote)
	}
	return cmd
}

// mayGo is what --allow-delete names where a change is planned.
const mayGo = "a cluster or group of nodes that may be deleted or replaced"

func (f *factory) addAllowDelete(cmd *cobra.Command, what string) {
	cmd.Flags().StringArrayVar(&f.allowDelete, "allow-delete", nil, "Terraform address of "+what+" (repeatable)")
}

// gateFlags are those of stage and promote.
type gateFlags struct {
	changeFlags
	images []string
}

func (g *gateFlags) add(cmd *cobra.Command) {
	g.changeFlags.add(cmd)
	cmd.Flags().StringArrayVar(&g.images, "load-image", nil,
		"carry this image of the local container engine into kind clusters (repeatable); what was only built here and the change names is carried anyway")
}

// gateFunc is what stage and promote do with a change and an environment.
type gateFunc func(*pipeline.Runner, context.Context, *config.Environment, *change.Change) (*report.Result, error)

func (f *factory) gate(ctx context.Context, flags *gateFlags, path, what string, fits func(*config.Environment) bool, do gateFunc) error {
	if err := flags.validate(); err != nil {
		return err
	}
	envs, err := f.loadEnvironments()
	if err != nil {
		return err
	}
	env, err := f.selectEnvironment(envs, what, fits)
	if err != nil {
		return err
	}
	given := pipeline.Given{Source: flags.at(path), Images: flags.images, AllowDelete: f.allowDelete}
	return f.runGate(ctx, envs, env, given, do)
}

// runGate loads the change, and takes it through the gate.
func (f *factory) runGate(ctx context.Context, envs []*config.Environment, env *config.Environment, given pipeline.Given, do gateFunc) error {
	ch, err := change.Load(ctx, given.Source, f.loaders())
	if err != nil {
		return err
	}
	runner, err := f.runner(envs)
	if err != nil {
		return err
	}
	if runner.Given, err = given.Absolute(); err != nil {
		return err
	}
	ctx, cancel := f.deadline(ctx)
	defer cancel()
	result, err := do(runner, ctx, env, ch)
	runner.Progress.Close()
	if result == nil {
		return err
	}
	f.warnOfUnused(result)
	return errors.Join(f.write(result), withCode(result.ExitCode))
}

// warnOfUnused names each --allow-delete that no plan has needed: it may be misspelt.
func (f *factory) warnOfUnused(result *report.Result) {
	for _, address := range f.allowDelete {
		needed := slices.ContainsFunc(result.Environments, func(e report.Environment) bool {
			return slices.ContainsFunc(e.Plan.Items, func(i change.Item) bool {
				return i.Address == address && (i.Action == change.Delete || i.Action == change.Replace)
			})
		})
		if !needed {
			fmt.Fprintf(f.streams.Err, "--allow-delete '%s': no plan would delete or replace it\n", address)
		}
	}
}

// deadline bounds a command by --timeout.
func (f *factory) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if f.timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, f.timeout, fmt.Errorf("--timeout %s has passed", f.timeout))
}
