package cli

import (
	"strings"
	"testing"
)

// An image that was never released is not asked of a registry.
func TestReleasedProbe(t *testing.T) {
	for version, want := range map[string]string{
		"v1.2.3":                     "ghcr.io/stagegate/probe:v1.2.3",
		"v1.2.3-rc.1":                "ghcr.io/stagegate/probe:v1.2.3-rc.1",
		"(devel)":                    "",
		"v1.2.3-4-gabcdef1":          "",
		"v1.2.3-dirty":               "",
		"v1.2.4-snapshot-abcdef1":    "",
		"v0.0.0-20260102030405-abcd": "",
		"8b856be":                    "",
	} {
		got, err := releasedProbe(version)
		if got != want || (err != nil) != (want == "") || err != nil && !strings.Contains(err.Error(), "STAGEGATE_PROBE_IMAGE") {
			t.Errorf("%s: got %q, %v", version, got, err)
		}
	}
}
