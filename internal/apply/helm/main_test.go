package helm_test

import (
	"os"
	"testing"

	"github.com/stagegate/stagegate/internal/cluster/embedded/embeddedtest"
)

func TestMain(m *testing.M) { os.Exit(embeddedtest.Run(m)) }
