package controlplane

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/stagegate/stagegate/internal/cluster"
	"github.com/stagegate/stagegate/internal/filelock"
)

const (
	// linkerFlags is a file of the module: the flags that set the version of Kubernetes.
	linkerFlags      = "ldflags"
	progressInterval = 5 * time.Second
	// keptBuilds is how many builds stay in the cache: branches of one checkout.
	keptBuilds = 3
)

// build compiles the module in dir, or returns what an earlier build of the same
// content left in the cache.
func build(ctx context.Context, dir string, progress cluster.Progress) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding a place to build %s: %w", program, err)
	}
	key, err := contentKey(dir)
	if err != nil {
		return "", fmt.Errorf("reading the source of %s: %w", program, err)
	}
	builds := filepath.Join(cache, "stagegate", program)
	path := filepath.Join(builds, key, program)
	if executable(path) == nil {
		return path, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return "", fmt.Errorf("building %s: %w", program, err)
	}
	lock, err := filelock.Wait(ctx, filepath.Join(builds, "lock"), func() {
		progress("another stagegate is building %s: waiting for it", program)
	})
	if err != nil {
		return "", fmt.Errorf("building %s: %w", program, err)
	}
	defer lock.Close()
	if executable(path) == nil {
		return path, nil
	}
	if err := compile(ctx, dir, path, progress); err != nil {
		return "", fmt.Errorf("building %s: %w", program, err)
	}
	return path, prune(builds)
}

// compile runs the Go tool chain. The output appears in its place only when it is whole.
func compile(ctx context.Context, dir, path string, progress cluster.Progress) error {
	goTool, err := exec.LookPath("go")
	if err != nil {
		return fmt.Errorf("%w: install Go, or %s", err, remedy)
	}
	linker, err := os.ReadFile(filepath.Join(dir, linkerFlags))
	if err != nil {
		return err
	}
	progress("building %s from source; this is done once and takes some minutes", program)
	// The flags are those of a plain "go build", so that compiled packages are shared.
	command := exec.CommandContext(ctx, goTool, "build", "-v", "-ldflags="+strings.TrimSpace(string(linker)), "-o", path+".new", ".")
	command.Dir = dir
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 10 * time.Second
	stderr, err := command.StderrPipe()
	if err != nil {
		return err
	}
	start := time.Now()
	if err := command.Start(); err != nil {
		return err
	}
	failure := follow(stderr, start, progress)
	err = command.Wait()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%w: %s", err, failure), ignoreMissing(os.Remove(path+".new")))
	}
	progress("built %s in %s", program, time.Since(start).Round(time.Second))
	return os.Rename(path+".new", path)
}

// follow reports how far the tool chain is until it closes its output, and returns the
// last of what it said besides package names.
func follow(output io.Reader, start time.Time, progress cluster.Progress) string {
	var packages atomic.Int64
	done := make(chan struct{})
	defer close(done)
	go func() {
		tick := time.NewTicker(progressInterval)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				progress("building %s: %d packages compiled, %s", program, packages.Load(), time.Since(start).Round(time.Second))
			}
		}
	}()
	var said []string
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if line := lines.Text(); strings.HasPrefix(line, "#") || strings.ContainsAny(line, " :") {
			said = append(said, line)
		} else {
			packages.Add(1)
		}
	}
	return strings.Join(said[max(0, len(said)-10):], "\n")
}

// contentKey names a build by everything that goes into it: the module's files, the
// version of Go and the platform.
func contentKey(dir string) (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	source := os.DirFS(dir)
	err := fs.WalkDir(source, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		data, err := fs.ReadFile(source, path)
		if err != nil {
			return err
		}
		fmt.Fprintln(hash, path, len(data))
		_, err = io.Copy(hash, bytes.NewReader(data))
		return err
	})
	return hex.EncodeToString(hash.Sum(nil))[:16], err
}

// prune removes all builds but the newest.
func prune(builds string) error {
	entries, err := filepath.Glob(filepath.Join(builds, "*", program))
	if err != nil {
		return err
	}
	age := func(path string) int64 {
		info, err := os.Stat(path)
		if err != nil {
			return 0
		}
		return -info.ModTime().UnixNano()
	}
	slices.SortFunc(entries, func(a, b string) int { return int(min(1, max(-1, age(a)-age(b)))) })
	for _, path := range entries[min(keptBuilds, len(entries)):] {
		if err := os.RemoveAll(filepath.Dir(path)); err != nil {
			return err
		}
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
