package image_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/stagegate/stagegate/internal/probe/image"
)

const sizeLimit = 10 << 20

func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stagegate-probe-linux-"+runtime.GOARCH)
	command := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "github.com/stagegate/stagegate/cmd/stagegate-probe")
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("building stagegate-probe: %v\n%s", err, out)
	}
	return path
}

func TestBuild(t *testing.T) {
	path := build(t)
	found, err := image.Locate(runtime.GOARCH, t.TempDir(), filepath.Dir(path))
	if err != nil || found != path {
		t.Fatalf("located %q, %v; want %q", found, err, path)
	}
	made, err := image.Build(path)
	if err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(t.TempDir(), "image.tar")
	content, err := made.Archive()
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(content)
	if err != nil || len(data) > sizeLimit {
		t.Errorf("the archive has %d bytes (%v); at most %d are allowed", len(data), err, sizeLimit)
	}
	if err := os.WriteFile(archive, data, 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := tarball.ImageFromPath(archive, nil)
	if err != nil {
		t.Fatal(err)
	}
	file, err := read.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if file.Architecture != runtime.GOARCH || file.Config.User == "" || file.Config.Entrypoint[0] != image.Program {
		t.Errorf("configuration: %+v", file)
	}
	again, err := image.Build(path)
	if err != nil || again.Reference != made.Reference {
		t.Errorf("the same program is %s, then %s (%v)", made.Reference, again.Reference, err)
	}
	t.Logf("archive: %.1f MiB", float64(len(data))/(1<<20))
}

func TestRefusals(t *testing.T) {
	script := filepath.Join(t.TempDir(), "stagegate-probe")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := image.Build(script); err == nil || !strings.Contains(err.Error(), "GOOS=linux") {
		t.Errorf("a script: %v", err)
	}
	if _, err := image.Build("/bin/ls"); err == nil || !strings.Contains(err.Error(), "CGO_ENABLED=0") {
		t.Errorf("a dynamically linked program: %v", err)
	}
	if _, err := image.Locate("amd64", t.TempDir()); err == nil || !strings.Contains(err.Error(), "STAGEGATE_PROBE") {
		t.Errorf("nothing there: %v", err)
	}
}
