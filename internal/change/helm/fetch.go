package helm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"helm.sh/helm/v4/pkg/registry"
	"helm.sh/helm/v4/pkg/repo/v1"

	"github.com/stagegate/stagegate/internal/change/tree"
)

// pull fetches a chart from an OCI registry, with the credentials that "helm registry
// login" or "docker login" left, if any. Registries on loopback are spoken to without
// TLS, as docker does.
func pull(ref, version string) ([]byte, error) {
	u, err := url.Parse(ref)
	if err != nil {
		return nil, fmt.Errorf("chart reference %s: %w", ref, err)
	}
	var options []registry.ClientOption
	if loopback(u.Hostname()) {
		options = append(options, registry.ClientOptPlainHTTP())
	}
	client, err := registry.NewClient(options...)
	if err != nil {
		return nil, fmt.Errorf("pulling %s: %w", ref, err)
	}
	_, resolved, err := client.ValidateReference(ref, version, u)
	if err != nil {
		return nil, fmt.Errorf("pulling %s: %w: check the reference and --version", ref, err)
	}
	result, err := client.Pull(strings.TrimPrefix(resolved.String(), "oci://"))
	if err != nil {
		return nil, fmt.Errorf("pulling %s: %w: check the reference, --version and `helm registry login`", ref, err)
	}
	return result.Chart.Data, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// download fetches a chart from a repository and checks it against the repository's index.
func download(ctx context.Context, repository, name, version string) ([]byte, error) {
	index, err := indexOf(ctx, repository)
	if err != nil {
		return nil, fmt.Errorf("reading the chart repository %s: %w", redacted(repository), err)
	}
	entry, err := index.Get(name, version)
	if err != nil {
		return nil, fmt.Errorf("chart %s of %s: %w: there are %s", name, redacted(repository), err, offers(index, name))
	}
	if len(entry.URLs) == 0 {
		return nil, fmt.Errorf("chart %s-%s of %s has no download URL: the repository is broken", name, entry.Version, redacted(repository))
	}
	location, err := repo.ResolveReferenceURL(repository, entry.URLs[0])
	if err != nil {
		return nil, fmt.Errorf("chart %s-%s: %w", name, entry.Version, err)
	}
	content, err := get(ctx, location)
	if err != nil {
		return nil, fmt.Errorf("downloading chart %s-%s: %w", name, entry.Version, err)
	}
	return content, checkSum(content, entry.Digest, redacted(location))
}

func indexOf(ctx context.Context, repository string) (*repo.IndexFile, error) {
	location, err := repo.ResolveReferenceURL(repository, "index.yaml")
	if err != nil {
		return nil, err
	}
	content, err := get(ctx, location)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "stagegate-index-")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "index.yaml") // Helm reads an index only from a file
	if err := os.WriteFile(file, content, 0o600); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	index, err := repo.LoadIndexFile(file)
	return index, errors.Join(err, os.RemoveAll(dir))
}

func get(ctx context.Context, location string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, location, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s: check the URL", redacted(location), response.Status)
	}
	return tree.ReadFrom(redacted(location), response.Body)
}

func checkSum(content []byte, want, location string) error {
	sum := sha256.Sum256(content)
	got := hex.EncodeToString(sum[:])
	if want = strings.TrimPrefix(want, "sha256:"); want != "" && want != got {
		return fmt.Errorf("%s: has digest %s, but the repository's index says %s: do not use it, tell the repository's owner", location, got, want)
	}
	return nil
}

// offers lists the newest versions of a chart, or the names of the charts there are.
func offers(index *repo.IndexFile, name string) string {
	var list []string
	for _, v := range index.Entries[name] {
		list = append(list, v.Version)
	}
	if len(list) == 0 {
		for other := range index.Entries {
			list = append(list, other)
		}
		return "charts " + some(list)
	}
	return "versions " + some(list)
}

// redacted is a URL without its password.
func redacted(location string) string {
	u, err := url.Parse(location)
	if err != nil {
		return "(a URL that cannot be parsed)"
	}
	return u.Redacted()
}
