package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/exitcode"
	"github.com/stagegate/stagegate/internal/parity"
)

// parityResult is what the command prints.
type parityResult struct {
	Environments [2]parityLine `json:"environments"`
	// Differences are those beyond the bounds of the second environment's gate.parity.
	Differences []string `json:"differences"`
}

type parityLine struct {
	Name string `json:"name"`
	parity.Versions
}

func newParity(f *factory) *cobra.Command {
	return &cobra.Command{
		Use:   "parity A B",
		Short: "Show the versions of two environments side by side",
		Long: `Shows the versions of Kubernetes, of the ingress controllers and of the network
plug-ins that run in two environments, and holds those of A against the bounds of B
(gate.parity): what was tested on one version proves nothing about another. Differences
beyond the bounds end with exit code 3.`,
		Example: "  stagegate parity staging production",
		Args:    args(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, given []string) error {
			return f.parity(cmd.Context(), given[0], given[1])
		},
	}
}

func (f *factory) parity(ctx context.Context, names ...string) error {
	ctx, cancel := f.deadline(ctx)
	defer cancel()
	envs, err := f.loadEnvironments()
	if err != nil {
		return err
	}
	runner, err := f.runner(envs)
	if err != nil {
		return err
	}
	defer runner.Progress.Close()
	result := parityResult{Differences: []string{}}
	var bounds config.Parity
	for i, name := range names {
		env, err := config.Find(envs, name)
		if err != nil {
			return err
		}
		versions, err := runner.Versions(ctx, env)
		if err != nil {
			return err
		}
		result.Environments[i], bounds = parityLine{env.Name, versions}, env.Gate.Parity
	}
	a, b := result.Environments[0], result.Environments[1]
	result.Differences = append(result.Differences, parity.Compare(bounds, a.Name, a.Versions, b.Versions)...)
	if err := f.writeParity(result); err != nil {
		return err
	}
	if len(result.Differences) > 0 {
		return withCode(exitcode.Blocked)
	}
	return nil
}

func (f *factory) writeParity(r parityResult) error {
	if f.output == "json" {
		return f.writeJSON(r)
	}
	a, b := r.Environments[0], r.Environments[1]
	w := tabwriter.NewWriter(f.streams.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "\t%s\t%s\n", strings.ToUpper(a.Name), strings.ToUpper(b.Name))
	for _, row := range [][3]string{
		{"Kubernetes", a.Kubernetes, b.Kubernetes},
		{"ingress controllers", strings.Join(a.IngressControllers, ", "), strings.Join(b.IngressControllers, ", ")},
		{"network plug-ins", strings.Join(a.CNI, ", "), strings.Join(b.CNI, ", ")},
	} {
		fmt.Fprintf(w, "%s\t%s\t%s\n", row[0], cmp.Or(row[1], "none"), cmp.Or(row[2], "none"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, d := range r.Differences {
		fmt.Fprintf(f.streams.Out, "✗ %s\n", d)
	}
	if len(r.Differences) == 0 {
		fmt.Fprintf(f.streams.Out, "✓ within the bounds of %s (gate.parity)\n", b.Name)
	}
	return nil
}
