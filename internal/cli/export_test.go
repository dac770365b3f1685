package cli

import (
	"context"

	"github.com/stagegate/stagegate/internal/home"
	"github.com/stagegate/stagegate/internal/journal"
)

// MainRecorded is Main, for tests that need to know of each entry of a run's journal.
func MainRecorded(ctx context.Context, args []string, streams Streams, recorded func(kind journal.Kind, step, environment string)) int {
	root := newRoot(&factory{streams: streams, home: home.Dir, recorded: recorded})
	root.SetArgs(args)
	code, _ := exitCode(ctx, root.ExecuteContext(ctx))
	return code
}
