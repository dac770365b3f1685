// Package directory reads a snapshot from files: a directory of manifests, or what
// "kubectl get -A -o yaml" printed.
package directory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/stagegate/stagegate/internal/change/scope"
	"github.com/stagegate/stagegate/internal/snapshot"
	"github.com/stagegate/stagegate/internal/yamldoc"
)

// Load reads every .yaml, .yml and .json file in a directory and those below it, or one
// file. Hidden files are left out; a symbolic link that leaves the directory is an error,
// and so are a directory without objects, and an object that stands twice. Objects of
// namespaced kinds that name no namespace are in "default".
//
// The snapshot is taken as what runs where it has both EndpointSlices and Pods with a
// status, as a dump of a cluster has. Otherwise it is Derived.
func Load(ctx context.Context, path string) (*snapshot.Snapshot, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading the snapshot: %w", err)
	}
	load := loadFile
	if info.IsDir() {
		load = loadDirectory
	}
	objects, err := load(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("reading the snapshot %s: %w", path, err)
	}
	if len(objects) == 0 {
		return nil, fmt.Errorf("reading the snapshot %s: no Kubernetes objects in it: name a directory or file of manifests, or the output of kubectl get -A -o yaml", path)
	}
	scope.Of(objects).Place(objects, "default")
	s, err := snapshot.New(objects...)
	if err != nil {
		return nil, fmt.Errorf("reading the snapshot %s: %w", path, err)
	}
	s.Derived = !observed(objects)
	return s, nil
}

func loadDirectory(ctx context.Context, dir string) ([]snapshot.Object, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	names, err := find(root)
	if err != nil {
		return nil, err
	}
	return decodeAll(ctx, names, func(name string) ([]snapshot.Object, error) {
		f, err := root.Open(name)
		return decode(f, filepath.Join(dir, name), err)
	})
}

// loadFile reads one file, wherever it is: whoever names it means it.
func loadFile(_ context.Context, path string) ([]snapshot.Object, error) {
	f, err := os.Open(path)
	return decode(f, path, err)
}

// decodeAll decodes the files side by side, and reports the errors of all of them.
func decodeAll(ctx context.Context, names []string, decode func(string) ([]snapshot.Object, error)) ([]snapshot.Object, error) {
	results := make([][]snapshot.Object, len(names))
	errs := make([]error, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, name := range names {
		group.Go(func() error {
			if ctx.Err() == nil {
				results[i], errs[i] = decode(name)
			}
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(results...), errors.Join(errs...)
}

// decode decodes an opened file and closes it. It reads no more than one byte above the
// limit, which is then refused as too large.
func decode(f *os.File, name string, opened error) ([]snapshot.Object, error) {
	if opened != nil {
		return nil, opened
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, yamldoc.MaxFile+1))
	if err != nil {
		return nil, err
	}
	return yamldoc.Decode(name, content)
}

// observed tells whether the objects say what runs, and which pods answer for which Service.
func observed(objects []snapshot.Object) bool {
	var pods, slices bool
	for _, o := range objects {
		switch o.GetKind() {
		case "Pod": // one without a status is a manifest
			phase, _, _ := unstructured.NestedString(o.Object, "status", "phase")
			pods = pods || phase != ""
		case "EndpointSlice":
			slices = true
		}
	}
	return pods && slices
}
