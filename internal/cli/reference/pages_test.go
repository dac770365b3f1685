package reference_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/stagegate/stagegate/internal/cli/reference"
)

func tree() *cobra.Command {
	run := func(*cobra.Command, []string) {}
	root := &cobra.Command{Use: "stagegate", Short: "Prove a change", Run: run}
	check := &cobra.Command{Use: "check CHANGE", Short: "Check a change", Run: run}
	check.Flags().String("against", "", "a directory of manifests")
	root.AddCommand(check, &cobra.Command{Use: "internal", Hidden: true, Run: run})
	root.CompletionOptions.DisableDefaultCmd = true
	return root
}

func TestPages(t *testing.T) {
	pages, err := reference.Pages(tree())
	if err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(pages))
	if d := cmp.Diff([]string{"stagegate.md", "stagegate_check.md"}, names); d != "" {
		t.Errorf("pages differ, hidden commands have none (-want +got):\n%s", d)
	}
	if page := pages["stagegate_check.md"]; !strings.Contains(page, "--against string   a directory of manifests") {
		t.Errorf("the page of check lacks its flag:\n%s", page)
	}
	if strings.Contains(pages["stagegate.md"], "generated") {
		t.Error("a page names the day on which it was made")
	}
	again, err := reference.Pages(tree())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(pages, again); d != "" {
		t.Error("the same commands give other pages:", d)
	}
}
