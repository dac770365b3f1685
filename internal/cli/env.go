package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/config"
)

func newEnv(f *factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "env",
		Short: "List environments, bring their clusters up or take them down",
		Example: `  stagegate env list
  stagegate env up --cluster-name staging
  stagegate env down --cluster-name staging`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newEnvList(f), newEnvUp(f), newEnvDown(f))
	return cmd
}

// environmentLine is one environment as `env list` shows it.
type environmentLine struct {
	Name        string        `json:"name"`
	ClusterName string        `json:"clusterName"`
	Provider    string        `json:"provider"`
	After       []string      `json:"after,omitempty"`
	State       cluster.State `json:"state"`
	Version     string        `json:"version,omitempty"`
	UID         string        `json:"uid,omitempty"`
	Detail      string        `json:"detail,omitempty"`
}

func newEnvList(f *factory) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the environments and the state of their clusters",
		Args:  args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			lines, err := f.environmentLines(cmd.Context())
			if err != nil {
				return err
			}
			return f.writeEnvironments(lines)
		},
	}
}

func (f *factory) environmentLines(ctx context.Context) ([]environmentLine, error) {
	envs, err := f.loadEnvironments()
	if err != nil {
		return nil, err
	}
	var lines []environmentLine
	for _, env := range envs {
		line := environmentLine{Name: env.Name, ClusterName: env.ClusterName, Provider: env.Provider.Name(), After: env.Gate.After}
		if status, err := f.environmentStatus(ctx, env); err != nil {
			line.State, line.Detail = cluster.Broken, err.Error()
		} else {
			line.State, line.Version, line.UID, line.Detail = status.State, status.Version, status.UID, status.Detail
		}
		lines = append(lines, line)
	}
	return lines, nil
}

func (f *factory) environmentStatus(ctx context.Context, env *config.Environment) (cluster.Status, error) {
	p, err := f.provider(env)
	if err != nil {
		return cluster.Status{}, err
	}
	return p.Status(ctx, env.ClusterName)
}

func (f *factory) writeEnvironments(lines []environmentLine) error {
	if f.output == "json" {
		return f.writeJSON(lines)
	}
	w := tabwriter.NewWriter(f.streams.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ENVIRONMENT\tCLUSTER NAME\tPROVIDER\tAFTER\tSTATE\tVERSION\tDETAIL")
	for _, l := range lines {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Name, l.ClusterName, l.Provider, strings.Join(l.After, ","), l.State, l.Version, l.Detail)
	}
	return w.Flush()
}

func (f *factory) writeJSON(v any) error {
	encoder := json.NewEncoder(f.streams.Out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

func newEnvUp(f *factory) *cobra.Command {
	return &cobra.Command{
		Use:   "up",
		Short: "Bring up the cluster of an environment, and leave it running",
		Args:  args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			envs, env, err := f.namedEnvironment()
			if err != nil {
				return err
			}
			runner, err := f.runner(envs)
			if err != nil {
				return err
			}
			ctx, cancel := f.deadline(cmd.Context())
			defer cancel()
			defer runner.Progress.Close()
			step := runner.Progress.Step(env.Name + ": cluster")
			up, err := runner.EnsureCluster(ctx, env, true, step.Update)
			if err != nil {
				step.Fail(err)
				return err
			}
			step.Done("")
			fmt.Fprintf(f.streams.Out, "cluster %s is up: Kubernetes %s\nexport KUBECONFIG=%s\n", up.Name, up.Version, up.Kubeconfig)
			return nil
		},
	}
}

// namedEnvironment is the environment of --cluster-name, which must be given.
func (f *factory) namedEnvironment() ([]*config.Environment, *config.Environment, error) {
	envs, err := f.loadEnvironments()
	if err != nil {
		return nil, nil, err
	}
	if f.clusterName == "" {
		return nil, nil, usagef("--cluster-name is missing: name one of %s", clusterNames(envs))
	}
	env, err := config.Select(envs, f.clusterName)
	return envs, env, err
}

func newEnvDown(f *factory) *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "Destroy the cluster of an environment, if stagegate made it",
		Args:  args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, env, err := f.namedEnvironment()
			if err != nil {
				return err
			}
			return f.envDown(cmd.Context(), env)
		},
	}
}

func (f *factory) envDown(ctx context.Context, env *config.Environment) error {
	p, err := f.provider(env)
	if err != nil {
		return err
	}
	destroyer, ok := p.(cluster.Destroyer)
	switch {
	case !ok && env.Provider.Terraform != nil:
		return fmt.Errorf("%s: the cluster of %s, which comes after %s (gate.after), is not destroyed by stagegate: use terraform destroy",
			env.File, env.Name, strings.Join(env.Gate.After, " and "))
	case !ok:
		return fmt.Errorf("%s: the %s cluster %s was not made by stagegate, and is not destroyed by it", env.File, env.Provider.Name(), env.ClusterName)
	}
	if err := f.confirm("destroy the " + env.Provider.Name() + " cluster " + env.ClusterName + " and all that is in it"); err != nil {
		return err
	}
	progress := f.progress()
	defer progress.Close()
	step := progress.Step(env.Name + ": down")
	if err := destroyer.Destroy(ctx, env.ClusterName, step.Update); err != nil {
		step.Fail(err)
		return err
	}
	step.Done("")
	fmt.Fprintf(f.streams.Out, "cluster %s is gone\n", env.ClusterName)
	return nil
}

// confirm asks on the terminal; without an answer, and without --yes, nothing is done.
func (f *factory) confirm(what string) error {
	if f.yes {
		return nil
	}
	fmt.Fprintf(f.streams.Err, "%s? [y/N] ", what)
	answer, err := bufio.NewReader(f.streams.In).ReadString('\n')
	if strings.EqualFold(strings.TrimSpace(answer), "y") || strings.EqualFold(strings.TrimSpace(answer), "yes") {
		return nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("asking for confirmation: %w", err)
	}
	return usagef("not confirmed: answer y, or use --yes to %s", what)
}
