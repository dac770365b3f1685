package helm

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
	"helm.sh/helm/v4/pkg/chart/v2/loader"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/tree"
)

// filesOf reads the files of a chart from wherever it is.
func filesOf(ctx context.Context, source change.Source) ([]*archive.BufferedFile, error) {
	switch {
	case strings.HasPrefix(source.Path, "oci://"):
		content, err := pull(source.Path, source.Version)
		if err != nil {
			return nil, err
		}
		return unpack(source.Path, content)
	case source.Repository != "":
		content, err := download(ctx, source.Repository, source.Path, source.Version)
		if err != nil {
			return nil, err
		}
		return unpack(source.Path, content)
	case source.Version != "":
		return nil, fmt.Errorf("chart %s: a version is only for charts of a repository or oci://: leave it out, or name the repository", source.Path)
	}
	return localFiles(source.Path)
}

func localFiles(name string) ([]*archive.BufferedFile, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("reading the chart: %w", err)
	}
	if info.IsDir() {
		return directory(name)
	}
	content, err := tree.Read(name)
	if err != nil {
		return nil, err
	}
	return unpack(name, content)
}

// directory reads a chart as Helm packs it, that is without what .helmignore names.
func directory(name string) ([]*archive.BufferedFile, error) {
	if err := checkLinks(name); err != nil {
		return nil, err
	}
	c, err := loader.LoadDir(name)
	if err != nil {
		return nil, fmt.Errorf("loading chart %s: %w", name, err)
	}
	files := make([]*archive.BufferedFile, len(c.Raw))
	for i, f := range c.Raw {
		files[i] = &archive.BufferedFile{Name: f.Name, ModTime: f.ModTime, Data: f.Data}
	}
	return files, nil
}

// checkLinks refuses symbolic links that lead out of the chart; Helm would follow them.
func checkLinks(root string) error {
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		return fmt.Errorf("reading the chart: %w", err)
	}
	return filepath.WalkDir(real, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("reading the chart: %w", err)
		}
		if e.Type()&fs.ModeSymlink == 0 {
			return nil
		}
		return tree.CheckLink(real, name, filepath.Join(root, strings.TrimPrefix(name, real)))
	})
}

// unpack reads a packed chart. Helm checks the paths as well, but names no entry.
func unpack(name string, content []byte) ([]*archive.BufferedFile, error) {
	if err := checkEntries(content); err != nil {
		return nil, fmt.Errorf("chart %s: %w", name, err)
	}
	files, err := archive.LoadArchiveFiles(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("chart %s: %w", name, err)
	}
	return files, nil
}

func checkEntries(content []byte) error {
	unzipped, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("not a gzip archive: %w: pack it with `helm package`", err)
	}
	entries := tar.NewReader(io.LimitReader(unzipped, archive.MaxDecompressedChartSize+headroom))
	for {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the archive: %w", err)
		}
		if err := checkEntry(entry); err != nil {
			return err
		}
	}
}

// headroom is for tar's own headers, so that Helm's limit on the content is met first.
const headroom = 16 << 20

func checkEntry(entry *tar.Header) error {
	name := strings.ReplaceAll(entry.Name, `\`, "/")
	if path.IsAbs(name) || !filepath.IsLocal(name) && path.Clean(name) != "." {
		return fmt.Errorf("the entry %q leads out of the archive: pack the chart with `helm package`", entry.Name)
	}
	switch entry.Typeflag {
	case tar.TypeReg, tar.TypeDir, tar.TypeXHeader, tar.TypeXGlobalHeader:
		return nil
	}
	return fmt.Errorf("the entry %q is a link or a device: pack the file itself", entry.Name)
}
