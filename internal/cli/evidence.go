package cli

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/evidence"
)

func newEvidence(f *factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "evidence",
		Short: "List, show and verify the signed records of decisions",
		Example: `  stagegate evidence list
  stagegate evidence show sha256:1f0c…
  stagegate evidence verify sha256:1f0c…
  stagegate evidence key`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newEvidenceList(f), newEvidenceShow(f), newEvidenceVerify(f), newEvidenceKey(f))
	return cmd
}

func newEvidenceList(f *factory) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the records kept here, newest first",
		Args:  args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			store, err := f.evidence()
			if err != nil {
				return err
			}
			entries, err := store.History()
			if err != nil {
				return err
			}
			return f.writeEntries(entries)
		},
	}
}

func (f *factory) writeEntries(entries []evidence.Entry) error {
	if f.output == "json" {
		return f.writeJSON(entries)
	}
	w := tabwriter.NewWriter(f.streams.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "RECORD\tTIME\tENVIRONMENT\tCHANGE\tDIGEST\tRESULT\tGRADE")
	for _, e := range entries {
		if e.Damaged != "" {
			fmt.Fprintf(w, "%s\tdamaged: %s\n", change.Digest(e.ID).Short(), e.Damaged)
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", change.Digest(e.ID).Short(), e.Time.Format(time.DateTime),
			e.Environment, e.ChangeName, e.ChangeDigest.Short(), e.Result, e.Grade)
	}
	return w.Flush()
}

func newEvidenceShow(f *factory) *cobra.Command {
	return &cobra.Command{
		Use:   "show RECORD",
		Short: "Print a record: its statements, as they were signed",
		Args:  args(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, given []string) error {
			store, err := f.evidence()
			if err != nil {
				return err
			}
			content, entry, err := store.Load(given[0])
			if err != nil {
				return err
			}
			if f.output == "json" {
				_, err := f.streams.Out.Write(content)
				return err
			}
			statements, err := evidence.Statements(content)
			if err != nil {
				return err
			}
			fmt.Fprintf(f.streams.Out, "record %s\nfile   %s\nkey    %s (not verified here: stagegate evidence verify)\n\n", entry.ID, entry.File, entry.KeyID)
			for _, s := range statements {
				if err := f.writeJSON(s); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func newEvidenceVerify(f *factory) *cobra.Command {
	return &cobra.Command{
		Use:   "verify RECORD",
		Short: "Verify a record against its environment as promote would: key, cluster, policy, checks, result, age",
		Args:  args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			envs, err := f.loadEnvironments()
			if err != nil {
				return err
			}
			runner, err := f.runner(envs)
			if err != nil {
				return err
			}
			defer runner.Progress.Close()
			entry, err := runner.VerifyRecord(cmd.Context(), given[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(f.streams.Out, "verified: %s passed in %s at %s, grade %s\n",
				entry.ChangeName, entry.Environment, entry.Time.Format(time.RFC3339), entry.Grade)
			return err
		},
	}
}

func newEvidenceKey(f *factory) *cobra.Command {
	return &cobra.Command{
		Use:   "key",
		Short: "Print the public key that signs here, for keys/trusted on another machine",
		Args:  args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			store, err := f.evidence()
			if err != nil {
				return err
			}
			key, err := store.Keys.Own()
			if err != nil {
				return err
			}
			pem, err := key.PEM()
			if err != nil {
				return err
			}
			_, err = f.streams.Out.Write(pem)
			return err
		},
	}
}
