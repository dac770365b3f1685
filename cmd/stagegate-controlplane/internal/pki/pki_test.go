package pki_test

import (
	"bytes"
	"net"
	"os"
	"testing"

	"github.com/stagegate/stagegate/cmd/stagegate-controlplane/internal/pki"
)

func TestEnsure(t *testing.T) {
	dir := t.TempDir()
	files := ensure(t, dir)
	first := read(t, files.CA)
	for _, path := range []string{files.CA, files.ServerKey, files.AdminCert, files.AdminKey, files.ServiceAccountKey} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want mode 0600", path, info, err)
		}
	}
	ensure(t, dir)
	if !bytes.Equal(first, read(t, files.CA)) {
		t.Error("a second Ensure replaced sound certificates")
	}
	for _, torn := range []string{files.CA, files.ServerCert, files.AdminKey, files.ServiceAccountKey} {
		before := read(t, files.CA)
		if err := os.WriteFile(torn, []byte("-----BEGIN"), 0o600); err != nil {
			t.Fatal(err)
		}
		ensure(t, dir)
		if bytes.Equal(before, read(t, files.CA)) {
			t.Errorf("%s was torn and nothing was made anew", torn)
		}
	}
}

func TestClustersDoNotShareAnAuthority(t *testing.T) {
	one, other := ensure(t, t.TempDir()), ensure(t, t.TempDir())
	if err := os.WriteFile(one.AdminCert, read(t, other.AdminCert), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(one.AdminKey, read(t, other.AdminKey), 0o600); err != nil {
		t.Fatal(err)
	}
	if one.Usable() {
		t.Error("a certificate of another authority counts as usable")
	}
}

func ensure(t *testing.T, dir string) pki.Files {
	t.Helper()
	files, err := pki.Ensure(dir, net.IPv4(10, 96, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
