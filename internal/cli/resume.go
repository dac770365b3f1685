package cli

import (
	"context"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/pipeline"
	"github.com/stagegate/stagegate/internal/report"
)

func newResume(f *factory) *cobra.Command {
	return &cobra.Command{
		Use:   "resume RUN",
		Short: "Go on with a run that died or ended in an error",
		Long: `Goes on with a run of stage or promote whose process died, or that ended in an error,
to where it would have come undisturbed. A decision that was made is carried through;
what was applied without one is taken back and applied anew. The change must be the
same, and the run's records must be on this machine.`,
		Example: `  stagegate resume 20260102-150405-a1b2c3`,
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			return f.resume(cmd.Context(), given[0])
		},
	}
}

func (f *factory) resume(ctx context.Context, runID string) error {
	dir, err := f.home()
	if err != nil {
		return err
	}
	given, _, err := pipeline.ReadGiven(dir, runID)
	if err != nil {
		return err
	}
	envs, err := f.loadEnvironments()
	if err != nil {
		return err
	}
	env, err := config.Find(envs, given.Environment)
	if err != nil {
		return err
	}
	f.allowDelete = given.AllowDelete
	given.Source.Path = nearer(given.Source.Path)
	resume := func(r *pipeline.Runner, ctx context.Context, env *config.Environment, ch *change.Change) (*report.Result, error) {
		return r.Resume(ctx, env, runID, ch)
	}
	return f.runGate(ctx, envs, env, given, resume)
}

// nearer names a path as a user in this directory would, so that the change has the name
// that it had.
func nearer(path string) string {
	here, err := os.Getwd()
	if err != nil || !filepath.IsAbs(path) {
		return path
	}
	if relative, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(relative) {
		return relative
	}
	return path
}
