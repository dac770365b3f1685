package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/evidence"
	"github.com/stagegate/stagegate/internal/journal"
	"github.com/stagegate/stagegate/internal/progress"
	"github.com/stagegate/stagegate/internal/report"
)

// factory holds the flags that every command has, and makes what commands need only when
// they ask for it: --help touches neither a file nor a cluster.
type factory struct {
	streams      Streams
	home         func() (string, error) // the state directory
	clusterName  string
	environments string
	output       string
	reportFile   string
	timeout      time.Duration
	yes          bool
	verbose      bool
	quiet        bool
	allowDelete  []string // Terraform addresses; commands that plan have the flag
	// recorded is called after each entry of a run's journal; tests interrupt runs with it.
	recorded func(kind journal.Kind, step, environment string)
}

func (f *factory) addFlags(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.StringVar(&f.clusterName, "cluster-name", "", "cluster name: selects the environment")
	flags.StringVar(&f.environments, "environments", "environments", "directory of environment files")
	flags.StringVarP(&f.output, "output", "o", "text", "format of the result: "+"text, json, markdown, junit")
	flags.StringVar(&f.reportFile, "report", "", "also write the result to this file, in the format of its ending (.json, .md, .xml, .txt)")
	flags.DurationVar(&f.timeout, "timeout", 0, "give up, and take back what was begun, after this time (0: never)")
	flags.BoolVar(&f.yes, "yes", false, "do not ask for confirmation")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "show all details")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "no progress on stderr")
	cmd.PersistentPreRunE = func(*cobra.Command, []string) error { return f.prepare() }
}

// prepare validates the flags that every command has.
func (f *factory) prepare() error {
	var errs []error
	if _, err := report.ParseFormat(f.output); err != nil {
		errs = append(errs, err)
	}
	if _, err := reportFormat(f.reportFile); err != nil {
		errs = append(errs, err)
	}
	if f.timeout < 0 {
		errs = append(errs, errors.New("--timeout: use a positive duration such as 10m"))
	}
	if err := errors.Join(errs...); err != nil {
		return usageError{err}
	}
	return nil
}

// reportFormat is the format that a report file's ending asks for.
func reportFormat(file string) (report.Format, error) {
	if file == "" {
		return "", nil
	}
	formats := map[string]report.Format{
		".txt": report.FormatText, ".json": report.FormatJSON, ".md": report.FormatMarkdown, ".xml": report.FormatJUnit,
	}
	if format, ok := formats[filepath.Ext(file)]; ok {
		return format, nil
	}
	return "", fmt.Errorf("--report %s: end the name in .json, .md, .xml (JUnit) or .txt", file)
}

// loadEnvironments reads all environment files.
func (f *factory) loadEnvironments() ([]*config.Environment, error) {
	return config.LoadDirectory(f.environments)
}

// selectEnvironment returns the environment that --cluster-name names. Without the flag
// it is the only one for which fits holds.
func (f *factory) selectEnvironment(envs []*config.Environment, what string, fits func(*config.Environment) bool) (*config.Environment, error) {
	if f.clusterName != "" {
		return config.Select(envs, f.clusterName)
	}
	var found []*config.Environment
	for _, e := range envs {
		if fits(e) {
			found = append(found, e)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return nil, usagef("--cluster-name: %d environments are %s: name one of %s", len(found), what, clusterNames(envs))
}

func clusterNames(envs []*config.Environment) string {
	names := make([]string, len(envs))
	for i, e := range envs {
		names[i] = e.ClusterName
	}
	return strings.Join(names, ", ")
}

func isStaging(e *config.Environment) bool    { return !e.IsProduction() }
func isProduction(e *config.Environment) bool { return e.IsProduction() }

func (f *factory) progress() *progress.Progress {
	return progress.New(f.streams.Err, progress.ModeFor(f.streams.Err, f.quiet, os.Getenv))
}

func (f *factory) evidence() (*evidence.Store, error) {
	dir, err := f.home()
	if err != nil {
		return nil, err
	}
	return evidence.Open(dir), nil
}
