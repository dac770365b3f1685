package change

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// APIVersion is the version of the files that stagegate reads: changes, environments, checks.
const APIVersion = "stagegate.dev/v1alpha1"

// BundleFile is the name of the bundle in a directory.
const BundleFile = "change.yaml"

// Stdin is the path that stands for manifests on the standard input.
const Stdin = "-"

// headLimit is how much of a file is read to tell its kind: 1 MiB.
const headLimit = 1 << 20

// Detect tells the kind of the change at path from its name and its files, and reads
// nothing but files. Where nothing or more than one kind is found, the error names what
// was looked for.
func Detect(path string) (Kind, error) {
	if path == Stdin {
		return Manifest, nil
	}
	if strings.HasPrefix(path, "oci://") {
		return Helm, nil
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("detecting the kind of %s: there is no such file or directory: check the path", path)
	case err != nil:
		return "", fmt.Errorf("detecting the kind of %s: %w", path, err)
	case info.IsDir():
		return detectDirectory(path)
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("detecting the kind of %s: not a regular file or a directory", path)
	}
	return detectFile(path)
}

func detectFile(path string) (Kind, error) {
	name := filepath.Base(path)
	switch {
	case slices.Contains(kustomizations, name):
		return "", fmt.Errorf("%s: a kustomization is named by its directory: %s", path, filepath.Dir(path))
	case name == "Chart.yaml":
		return "", fmt.Errorf("%s: a chart is named by its directory: %s", path, filepath.Dir(path))
	case strings.HasSuffix(name, ".tf"):
		return "", fmt.Errorf("%s: a Terraform configuration is named by its directory: %s", path, filepath.Dir(path))
	case strings.HasSuffix(name, ".tgz"), strings.HasSuffix(name, ".tar.gz"):
		return detectArchive(path)
	case IsManifest(name):
		head, err := readHead(path)
		if err != nil {
			return "", err
		}
		if isBundle(head) {
			return Bundle, nil
		}
		return Manifest, nil
	}
	return "", fmt.Errorf("%s: neither a .yaml, .yml or .json file nor a .tgz chart: name another file, or say what it is with --kind", path)
}

// IsManifest tells by its extension whether a file can hold manifests.
func IsManifest(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name))
}

// readHead is the beginning of a text file; a binary one is refused.
func readHead(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("detecting the kind of %s: %w", path, err)
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, headLimit))
	if err != nil {
		return nil, fmt.Errorf("detecting the kind of %s: %w", path, err)
	}
	if bytes.IndexByte(head, 0) >= 0 {
		return nil, fmt.Errorf("%s: a binary file, not YAML or JSON: name a text file", path)
	}
	return head, nil
}

func isBundle(content []byte) bool {
	var head struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string `yaml:"kind"`
	}
	// What cannot be parsed is no bundle; its own loader names the line.
	err := yaml.NewDecoder(bytes.NewReader(content)).Decode(&head)
	return err == nil && strings.HasPrefix(head.APIVersion, "stagegate.dev/") && head.Kind == "Change"
}

func detectArchive(path string) (Kind, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("detecting the kind of %s: %w", path, err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return "", fmt.Errorf("%s: not a gzip archive: %w", path, err)
	}
	for archive := tar.NewReader(unzipped); ; {
		entry, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return "", fmt.Errorf("%s: found no Chart.yaml in the archive: pack it with `helm package`, or unpack it and name the directory", path)
		}
		if err != nil {
			return "", fmt.Errorf("reading %s: %w", path, err)
		}
		if _, rest, ok := strings.Cut(entry.Name, "/"); ok && rest == "Chart.yaml" {
			return Helm, nil
		}
	}
}
