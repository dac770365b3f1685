// Package image makes the probe's image from the program stagegate-probe, without a
// container engine and without a registry: one file on nothing.
package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Repository is where the released images are.
const Repository = "ghcr.io/stagegate/probe"

// Program is the path of the program in the image.
const Program = "/stagegate-probe"

// User is the number of the user that the program runs as, where nothing else is said.
const User = 65532

// Image is a probe image built here. Its reference names the content.
type Image struct {
	Reference string
	tag       name.Tag
	image     v1.Image
}

// Locate finds the program for Linux on the architecture in one of the directories, as
// stagegate-probe-linux-ARCHITECTURE or as stagegate-probe.
func Locate(architecture string, directories ...string) (string, error) {
	for _, dir := range directories {
		for _, base := range []string{"stagegate-probe-linux-" + architecture, "stagegate-probe"} {
			path := filepath.Join(dir, base)
			if _, err := os.Stat(path); err == nil {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("the program stagegate-probe for linux/%s is in none of %q: install it beside stagegate, or name its path in STAGEGATE_PROBE", architecture, directories)
}

// Build makes an image of the program at path.
func Build(path string) (*Image, error) {
	program, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("building the probe image: %w", err)
	}
	architecture, err := architectureOf(program)
	if err != nil {
		return nil, fmt.Errorf("building the probe image: %s: %w", path, err)
	}
	sum := sha256.Sum256(program)
	tag, err := name.NewTag(Repository + ":local-" + hex.EncodeToString(sum[:6]))
	if err != nil {
		return nil, fmt.Errorf("building the probe image: %w", err)
	}
	image, err := assemble(program, architecture)
	if err != nil {
		return nil, fmt.Errorf("building the probe image: %w", err)
	}
	return &Image{Reference: tag.String(), tag: tag, image: image}, nil
}

// Archive returns the image as "docker save" would write it.
func (i *Image) Archive() (io.ReadCloser, error) {
	var archive bytes.Buffer
	if err := tarball.Write(i.tag, i.image, &archive); err != nil {
		return nil, fmt.Errorf("writing the probe image: %w", err)
	}
	return io.NopCloser(&archive), nil
}

func assemble(program []byte, architecture string) (v1.Image, error) {
	layer, err := layerOf(program)
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, err
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture = "linux", architecture
	file.Config.Entrypoint = []string{Program}
	file.Config.User = fmt.Sprint(User)
	return mutate.ConfigFile(image, file)
}

func layerOf(program []byte) (v1.Layer, error) {
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	header := &tar.Header{Name: Program[1:], Mode: 0o555, Size: int64(len(program)), Typeflag: tar.TypeReg}
	if err := w.WriteHeader(header); err != nil {
		return nil, err
	}
	if _, err := w.Write(program); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(layer.Bytes())), nil
	})
}

// architectureOf reads what the program was built for; a program that needs a loader or
// libraries cannot run in an image of one file.
func architectureOf(program []byte) (string, error) {
	file, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return "", fmt.Errorf("it is no Linux program: build it with GOOS=linux: %w", err)
	}
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP {
			return "", errors.New("it is not statically linked: build it with CGO_ENABLED=0")
		}
	}
	switch file.Machine {
	case elf.EM_X86_64:
		return "amd64", nil
	case elf.EM_AARCH64:
		return "arm64", nil
	}
	return "", fmt.Errorf("the architecture %s is not supported", file.Machine)
}
