// Package reference writes the command reference from the commands themselves.
package reference

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// Pages are the reference of a command tree: Markdown by file name, one page a command
// that a user can run or list. The same tree always gives the same pages.
func Pages(root *cobra.Command) (map[string]string, error) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	pages := map[string]string{}
	return pages, add(pages, root)
}

func add(pages map[string]string, cmd *cobra.Command) error {
	cmd.DisableAutoGenTag = true
	var b bytes.Buffer
	if err := doc.GenMarkdownCustom(cmd, &b, path.Base); err != nil {
		return fmt.Errorf("writing the reference of %s: %w", cmd.CommandPath(), err)
	}
	pages[strings.ReplaceAll(cmd.CommandPath(), " ", "_")+".md"] = b.String()
	for _, sub := range cmd.Commands() {
		if !sub.IsAvailableCommand() || sub.IsAdditionalHelpTopicCommand() {
			continue
		}
		if err := add(pages, sub); err != nil {
			return err
		}
	}
	return nil
}
