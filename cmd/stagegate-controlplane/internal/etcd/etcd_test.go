package etcd_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagegate/stagegate/cmd/stagegate-controlplane/internal/etcd"
)

func TestStart(t *testing.T) {
	rubbish := []byte(strings.Repeat("rubbish ", 4096))
	for _, test := range []struct {
		name       string
		damage     func(t *testing.T)
		unreadable bool
		fails      bool
	}{
		{"sound", func(*testing.T) {}, false, false},
		{"damaged log", func(t *testing.T) { overwrite(t, "etcd/member/wal/*.wal", rubbish) }, true, true},
		{"damaged database", func(t *testing.T) { overwrite(t, "etcd/member/snap/db", rubbish) }, true, true},
		{"not a directory", func(t *testing.T) {
			if err := errors.Join(os.RemoveAll("etcd"), os.WriteFile("etcd", nil, 0o600)); err != nil {
				t.Fatal(err)
			}
		}, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			run(t)
			test.damage(t)
			store, err := etcd.Start(t.Context(), ".")
			if err == nil {
				store.Close()
			}
			if (err != nil) != test.fails || errors.Is(err, etcd.ErrUnreadable) != test.unreadable {
				t.Errorf("Start = %v; want an error: %v, unreadable: %v", err, test.fails, test.unreadable)
			}
		})
	}
}

func run(t *testing.T) {
	t.Helper()
	store, err := etcd.Start(t.Context(), ".")
	if err != nil {
		t.Fatal(err)
	}
	store.Close()
}

func overwrite(t *testing.T, pattern string, data []byte) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("nothing matches %s: %v", pattern, err)
	}
	for _, path := range paths {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
