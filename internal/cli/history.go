package cli

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/report"
)

func newHistory(f *factory) *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:   "history [RUN]",
		Short: "List the runs made here, or show one again",
		Example: `  stagegate history
  stagegate history 20260102-150405-a1b2c3 -o markdown`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, given []string) error {
			dir, err := f.home()
			if err != nil {
				return err
			}
			if len(given) == 1 {
				result, err := pipeline.ReadRun(dir, given[0])
				if err != nil {
					return err
				}
				return f.write(result)
			}
			results, err := pipeline.Runs(dir, limit)
			if err != nil {
				return err
			}
			return f.writeRuns(results)
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 20, "how many of the newest runs (0: all)")
	return cmd
}

func (f *factory) writeRuns(results []*report.Result) error {
	if f.output == "json" {
		return f.writeJSON(results)
	}
	if len(results) == 0 {
		_, err := fmt.Fprintln(f.streams.Out, "no runs yet: stagegate stage CHANGE makes the first")
		return err
	}
	w := tabwriter.NewWriter(f.streams.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "RUN\tSTARTED\tCOMMAND\tCHANGE\tDIGEST\tVERDICT\tEXIT\tTOOK")
	for _, r := range results {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", r.RunID, r.Started.Format(time.DateTime), r.Command,
			r.Change.Name, r.Change.Digest.Short(), cameTo(r), r.ExitCode, r.Duration.Round(100*time.Millisecond))
	}
	return w.Flush()
}

// cameTo is a run's verdict, and in which environments its change was taken back later.
func cameTo(r *report.Result) string {
	text := r.Verdict.String()
	for _, e := range r.Environments {
		if e.RolledBack != nil {
			text += fmt.Sprintf(", %s in %s", e.RolledBack, e.Name)
		}
	}
	return text
}
