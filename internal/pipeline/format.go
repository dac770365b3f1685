package pipeline

import (
	"fmt"

	"github.com/stagegate/stagegate/internal/report"
)

// resultFormat is the newest format of kept results that is known here.
const resultFormat = 1

// keptResult is a result as it lies in a run's directory.
type keptResult struct {
	Format int `json:"format"`
	*report.Result
}

// readable refuses what a newer version has written.
func readable(format, newest int) error {
	if format <= newest {
		return nil
	}
	return fmt.Errorf("its format is %d, and this version reads up to %d: use the newer stagegate that wrote it", format, newest)
}
