package cli

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/report"
)

// statusLine is an environment, its cluster, and the last run that came there.
type statusLine struct {
	environmentLine
	LastRun     string `json:"lastRun,omitempty"`
	LastChange  string `json:"lastChange,omitempty"`
	LastVerdict string `json:"lastVerdict,omitempty"`
	// RolledBack is "rolled back" or "rollback incomplete" where the last change was taken back later.
	RolledBack string `json:"rolledBack,omitempty"`
	Evidence   string `json:"evidence,omitempty"`
}

func newStatus(f *factory) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show each environment's cluster and what came of the last change there",
		Args:  args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			lines, err := f.statusLines(cmd.Context())
			if err != nil {
				return err
			}
			return f.writeStatus(lines)
		},
	}
}

func (f *factory) statusLines(ctx context.Context) ([]statusLine, error) {
	environments, err := f.environmentLines(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := f.home()
	if err != nil {
		return nil, err
	}
	runs, err := pipeline.Runs(dir, 0)
	if err != nil {
		return nil, err
	}
	lines := make([]statusLine, len(environments))
	for i, e := range environments {
		lines[i] = statusLine{environmentLine: e}
		if run, env := lastRun(runs, e.Name); run != nil {
			lines[i].LastRun, lines[i].LastChange = run.RunID, run.Change.Name
			lines[i].LastVerdict, lines[i].Evidence = env.Decision.Verdict.String(), env.Evidence
			if env.RolledBack != nil {
				lines[i].RolledBack = env.RolledBack.String()
			}
		}
	}
	return lines, nil
}

// lastRun finds the newest run that came to an environment; runs are newest first.
func lastRun(runs []*report.Result, name string) (*report.Result, *report.Environment) {
	for _, r := range runs {
		for i := range r.Environments {
			if r.Environments[i].Name == name {
				return r, &r.Environments[i]
			}
		}
	}
	return nil, nil
}

func (f *factory) writeStatus(lines []statusLine) error {
	if f.output == "json" {
		return f.writeJSON(lines)
	}
	w := tabwriter.NewWriter(f.streams.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ENVIRONMENT\tCLUSTER\tSTATE\tVERSION\tLAST RUN\tCHANGE\tVERDICT")
	for _, l := range lines {
		verdict := l.LastVerdict
		if l.RolledBack != "" {
			verdict += ", " + l.RolledBack
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Name, l.ClusterName, l.State, l.Version, l.LastRun, l.LastChange, verdict)
	}
	return w.Flush()
}
