package terraform_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/internal/terraform"
)

// fake puts programs on PATH, and nothing else, that answer with a version.
func fake(t *testing.T, versions map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, version := range versions {
		script := "#!/bin/sh\necho '{\"terraform_version\": \"" + version + "\"}'\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	// No network: what would be downloaded cannot be.
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	return dir
}

func TestFind(t *testing.T) {
	for what, test := range map[string]struct {
		have        map[string]string
		name        string
		constraints []string
		want        string
	}{
		"any":         {map[string]string{"terraform": "1.11.4"}, "terraform", nil, "1.11.4"},
		"constrained": {map[string]string{"terraform": "1.11.4"}, "terraform", []string{"~> 1.5", "", "< 1.12"}, "1.11.4"},
		"exact":       {map[string]string{"terraform": "1.11.4"}, "terraform", []string{"1.11.4"}, "1.11.4"},
		"tofu":        {map[string]string{"terraform": "1.11.4", "tofu": "1.9.0"}, "tofu", []string{">= 1.8"}, "1.9.0"},
	} {
		t.Run(what, func(t *testing.T) {
			dir := fake(t, test.have)
			got, err := terraform.Find(t.Context(), test.name, test.constraints, t.TempDir(), nil)
			if err != nil || got.Version != test.want || got.Path != filepath.Join(dir, test.name) {
				t.Errorf("Find = %+v, %v, want %s", got, err, test.want)
			}
		})
	}
}

func TestFindTakesWhatWasInstalledBefore(t *testing.T) {
	old, cache := fake(t, map[string]string{"terraform": "1.5.0"}), t.TempDir()
	for _, version := range []string{"1.9.0", "1.10.2", "1.12.0"} {
		dir := filepath.Join(cache, "release-"+version)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(fake(t, map[string]string{"terraform": version}), "terraform"), filepath.Join(dir, "terraform")); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", old)
	got, err := terraform.Find(t.Context(), "terraform", []string{">= 1.8, < 1.11"}, cache, nil)
	if err != nil || got.Version != "1.10.2" {
		t.Errorf("Find = %+v, %v, want the newest that fits, 1.10.2", got, err)
	}
}

func TestFindSaysWhatIsMissing(t *testing.T) {
	for what, test := range map[string]struct {
		have       map[string]string
		name       string
		constraint string
		want       []string
	}{
		"none": {nil, "terraform", ">= 1.8", []string{
			"finding Terraform >= 1.8: there is no terraform on PATH, and installing a release failed: ",
			": put a version that fits on PATH, or change required_version or spec.terraform.version of the environment",
		}},
		"other":    {map[string]string{"terraform": "1.5.0"}, "terraform", ">= 1.8", []string{"finding Terraform >= 1.8: ", "/terraform on PATH is 1.5.0, and installing a release failed: "}},
		"tofu":     {nil, "tofu", "1.9.0", []string{"finding OpenTofu 1.9.0: there is no tofu on PATH: install a version that fits (https://opentofu.org/docs/intro/install)"}},
		"nonsense": {nil, "terraform", "newest", []string{`reading the Terraform version constraint "newest": `, "write it like 1.11.4 or >= 1.9, < 2.0"}},
	} {
		t.Run(what, func(t *testing.T) {
			fake(t, test.have)
			_, err := terraform.Find(t.Context(), test.name, []string{test.constraint}, t.TempDir(), nil)
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error is %v\nwant … %s …", err, want)
				}
			}
		})
	}
}
