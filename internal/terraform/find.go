package terraform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hc-install/product"
	"github.com/hashicorp/hc-install/releases"

	"github.com/stagegate/stagegate/internal/filelock"
)

// OpenTofu is the name of OpenTofu's program.
const OpenTofu = "tofu"

// Program is a Terraform, or OpenTofu, that can be run.
type Program struct {
	Path    string
	Version string // such as "1.11.4"
}

// Find finds a program of that name ("terraform" or "tofu") whose version meets all
// constraints: the one on PATH, one that was installed before, or HashiCorp's release,
// installed into the cache directory with its signature and checksum verified.
func Find(ctx context.Context, name string, constraints []string, cache string, progress Progress) (Program, error) {
	wanted, err := parseConstraints(constraints)
	if err != nil {
		return Program{}, err
	}
	found, err := onPath(ctx, name)
	if err == nil && satisfies(found.Version, wanted) {
		return found, nil
	}
	if err != nil && !errors.Is(err, exec.ErrNotFound) {
		return Program{}, err
	}
	have := fmt.Sprintf("there is no %s on PATH", name)
	if found.Path != "" {
		have = fmt.Sprintf("%s on PATH is %s", found.Path, found.Version)
	}
	if name == OpenTofu {
		return Program{}, fmt.Errorf("finding OpenTofu%s: %s: install a version that fits (https://opentofu.org/docs/intro/install)", want(wanted), have)
	}
	installed, err := source{}.fetch(ctx, wanted, cache, progress)
	if err != nil {
		return Program{}, fmt.Errorf("finding Terraform%s: %s, and installing a release failed: %w: put a version that fits on PATH, or change required_version or spec.terraform.version of the environment", want(wanted), have, err)
	}
	return installed, nil
}

// want is the constraint for people.
func want(c version.Constraints) string {
	if len(c) == 0 {
		return ""
	}
	return " " + c.String()
}

func parseConstraints(texts []string) (version.Constraints, error) {
	var all version.Constraints
	for _, text := range texts {
		if strings.TrimSpace(text) == "" {
			continue
		}
		c, err := version.NewConstraint(text)
		if err != nil {
			return nil, fmt.Errorf("reading the Terraform version constraint %q: %w: write it like 1.11.4 or >= 1.9, < 2.0", text, err)
		}
		all = append(all, c...)
	}
	return all, nil
}

func satisfies(have string, wanted version.Constraints) bool {
	v, err := version.NewVersion(have)
	return err == nil && wanted.Check(v)
}

func onPath(ctx context.Context, name string) (Program, error) {
	file, err := exec.LookPath(name)
	if err != nil {
		return Program{}, exec.ErrNotFound
	}
	if file, err = filepath.Abs(file); err != nil {
		return Program{}, fmt.Errorf("finding %s: %w", name, err)
	}
	return inspect(ctx, file)
}

// inspect asks a program for its version.
func inspect(ctx context.Context, file string) (Program, error) {
	cmd := exec.CommandContext(ctx, file, "version", "-json")
	cmd.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1", "TF_LOG=", "TF_CLI_ARGS=", "TF_CLI_ARGS_version=")
	out, err := cmd.Output()
	if err != nil {
		return Program{}, fmt.Errorf("asking %s for its version: %w", file, err)
	}
	var answer struct {
		Version string `json:"terraform_version"` // OpenTofu calls it so too
	}
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(&answer); err != nil || answer.Version == "" {
		return Program{}, fmt.Errorf("asking %s for its version: it answers with no version: put Terraform 0.13 or newer on PATH", file)
	}
	return Program{Path: file, Version: answer.Version}, nil
}

// source is where releases come from; the zero value is HashiCorp's site, and its key.
type source struct{ url, key string }

// fetch installs the newest release that fits, unless one is in the cache already.
func (s source) fetch(ctx context.Context, wanted version.Constraints, cache string, progress Progress) (Program, error) {
	if p, ok := cached(ctx, wanted, cache); ok {
		return p, nil
	}
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return Program{}, err
	}
	lock, err := filelock.Wait(ctx, filepath.Join(cache, ".lock"), func() { progress.send("waiting for another installation of Terraform") })
	if err != nil {
		return Program{}, err
	}
	defer lock.Close()
	if p, ok := cached(ctx, wanted, cache); ok { // by whoever had the lock
		return p, nil
	}
	progress.send("installing Terraform%s", want(wanted))
	dir, err := os.MkdirTemp(cache, "release-")
	if err != nil {
		return Program{}, err
	}
	// The library's own client tries for a quarter of a minute before it says that there is
	// no network.
	client := &http.Client{Transport: http.DefaultTransport}
	latest := &releases.LatestVersion{
		Product: product.Terraform, Constraints: wanted, InstallDir: dir, HTTPClient: client, Timeout: 5 * time.Minute,
		ApiBaseURL: s.url, ArmoredPublicKey: s.key,
	}
	file, err := latest.Install(ctx)
	if errors.Is(err, fs.ErrNotExist) { // the library drops the reason, and then misses the program
		err = errors.New("what was downloaded is not what was signed, or cannot be unpacked")
	}
	var p Program
	if err == nil {
		p, err = inspect(ctx, file)
	}
	if err != nil {
		return Program{}, errors.Join(err, os.RemoveAll(dir))
	}
	return p, nil
}

// cached finds a release that was installed before and fits; the newest of them.
func cached(ctx context.Context, wanted version.Constraints, cache string) (Program, bool) {
	files, err := filepath.Glob(filepath.Join(cache, "release-*", "terraform"))
	if err != nil {
		return Program{}, false
	}
	var best Program
	for _, file := range files {
		p, err := inspect(ctx, file)
		if err != nil || !satisfies(p.Version, wanted) {
			continue
		}
		if best.Path == "" || version.Must(version.NewVersion(p.Version)).GreaterThan(version.Must(version.NewVersion(best.Version))) {
			best = p
		}
	}
	return best, best.Path != ""
}
