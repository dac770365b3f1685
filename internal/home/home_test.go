package home_test

import (
	"path/filepath"
	"testing"

	"github.com/stagegate/stagegate/internal/home"
)

func TestDir(t *testing.T) {
	for _, test := range []struct{ name, stagegate, xdg, user, want string }{
		{"own variable first", "/own", "/xdg", "/user", "/own"},
		{"then XDG", "", "/xdg", "/user", "/xdg/stagegate"},
		{"then the home directory", "", "", "/user", "/user/.local/state/stagegate"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("STAGEGATE_HOME", test.stagegate)
			t.Setenv("XDG_STATE_HOME", test.xdg)
			t.Setenv("HOME", test.user)
			got, err := home.Dir()
			if err != nil || got != test.want {
				t.Errorf("Dir() = %q, %v; want %q", got, err, test.want)
			}
		})
	}
	t.Run("relative becomes absolute", func(t *testing.T) {
		t.Setenv("STAGEGATE_HOME", "here")
		if got, err := home.Dir(); err != nil || !filepath.IsAbs(got) {
			t.Errorf("Dir() = %q, %v; want an absolute path", got, err)
		}
	})
	t.Run("nowhere", func(t *testing.T) {
		t.Setenv("STAGEGATE_HOME", "")
		t.Setenv("XDG_STATE_HOME", "")
		t.Setenv("HOME", "")
		if got, err := home.Dir(); err == nil {
			t.Errorf("Dir() = %q; want an error", got)
		}
	})
}
