package cli

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
)

// buildVersion is stamped by the linker in releases.
var buildVersion string

// version is the release, or what the Go tool knows of the build.
func version() string {
	if buildVersion != "" {
		return buildVersion
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func now() time.Time { return time.Now() }

func newVersion(f *factory) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			if f.output == "json" {
				return f.writeJSON(map[string]string{"version": version()})
			}
			_, err := fmt.Fprintln(f.streams.Out, "stagegate", version())
			return err
		},
	}
}
