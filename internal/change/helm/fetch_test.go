package helm_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	helmregistry "helm.sh/helm/v4/pkg/registry"
	"helm.sh/helm/v4/pkg/repo/v1"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/helm"
)

// alone keeps the tests off the registry credentials of whoever runs them.
func alone(t *testing.T) {
	t.Helper()
	home := t.TempDir()
	for _, name := range []string{"HOME", "DOCKER_CONFIG", "HELM_CONFIG_HOME", "HELM_CACHE_HOME"} {
		t.Setenv(name, home)
	}
}

// ociRegistry runs a registry with the shop in it and returns its reference.
func ociRegistry(t *testing.T) string {
	t.Helper()
	alone(t)
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	ref := strings.TrimPrefix(server.URL, "http://") + "/charts/shop"
	client, err := helmregistry.NewClient(helmregistry.ClientOptPlainHTTP())
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(pack(t, shop))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Push(content, ref+":1.2.3"); err != nil {
		t.Fatal(err)
	}
	return "oci://" + ref
}

func TestOCI(t *testing.T) {
	ref := ociRegistry(t)
	want := load(t, change.Source{Path: shop}).Digest()
	for name, source := range map[string]change.Source{
		"newest":     {Path: ref},
		"version":    {Path: ref, Version: "1.2.3"},
		"constraint": {Path: ref, Version: "^1.0"},
		"tag":        {Path: ref + ":1.2.3"},
	} {
		if got := load(t, source).Digest(); got != want {
			t.Errorf("%s: digest %s, that of the directory is %s", name, got, want)
		}
	}
}

func TestOCIRefused(t *testing.T) {
	ref := ociRegistry(t)
	for version, want := range map[string]string{
		"9.9.9": "pulling REF: failed to perform \"FetchReference\" on source: " + strings.TrimPrefix(ref, "oci://") +
			":9.9.9: not found: check the reference, --version and `helm registry login`",
		"^9": "pulling REF: could not locate a version matching provided version string ^9: check the reference and --version",
	} {
		_, err := helm.Loader{}.Load(context.Background(), change.Source{Path: ref, Version: version})
		if err == nil {
			t.Errorf("version %s: no error", version)
			continue
		}
		if got := strings.ReplaceAll(err.Error(), ref, "REF"); got != want {
			t.Errorf("version %s:\n%s\nwant:\n%s", version, got, want)
		}
	}
}

// repository serves a chart repository with the shop in it, whose index says that it has
// the given digest, and the right one where that is empty.
func repository(t *testing.T, digest string) string {
	t.Helper()
	alone(t)
	file := pack(t, shop)
	dir := filepath.Dir(file)
	index, err := repo.IndexDirectory(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if digest != "" {
		index.Entries["shop"][0].Digest = digest
	}
	if err := index.WriteFile(filepath.Join(dir, "index.yaml"), 0o644); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	return server.URL
}

func TestRepository(t *testing.T) {
	url := repository(t, "")
	want := load(t, change.Source{Path: shop}).Digest()
	for _, version := range []string{"", "1.2.3", "~1.2"} {
		if got := load(t, change.Source{Path: "shop", Repository: url, Version: version}).Digest(); got != want {
			t.Errorf("version %q: digest %s, that of the directory is %s", version, got, want)
		}
	}
}

func TestRepositoryRefused(t *testing.T) {
	url, wrong := repository(t, ""), repository(t, strings.Repeat("0", 64))
	for name, test := range map[string]struct {
		source change.Source
		want   string
	}{
		"version": {
			change.Source{Path: "shop", Repository: url, Version: "9.9.9"},
			"chart shop of URL: no chart version found for shop-9.9.9: there are versions 1.2.3",
		},
		"chart": {
			change.Source{Path: "none", Repository: url},
			"chart none of URL: no chart name found: there are charts shop",
		},
		"no repository": {
			change.Source{Path: "shop", Repository: url + "/none"},
			"reading the chart repository URL/none: URL/none/index.yaml answers 404 Not Found: check the URL",
		},
		"digest": {
			change.Source{Path: "shop", Repository: wrong},
			"WRONG/shop-1.2.3.tgz: has digest " + digestAt(t, wrong+"/shop-1.2.3.tgz") +
				", but the repository's index says " + strings.Repeat("0", 64) + ": do not use it, tell the repository's owner",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := helm.Loader{}.Load(context.Background(), test.source)
			if err == nil {
				t.Fatal("no error")
			}
			got := strings.ReplaceAll(strings.ReplaceAll(err.Error(), url, "URL"), wrong, "WRONG")
			if got != test.want {
				t.Errorf("error:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}

// digestAt is the SHA-256 of what a URL serves.
func digestAt(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, response.Body); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// A password in the repository's URL stays out of errors.
func TestRepositoryPasswordIsNotShown(t *testing.T) {
	url := strings.Replace(repository(t, ""), "http://", "http://user:hunter2@", 1)
	for _, source := range []change.Source{
		{Path: "none", Repository: url}, {Path: "shop", Repository: url + "/none"}, {Path: "shop", Repository: strings.Replace(url, "127.0.0.1", "127.0.0.1:1/", 1)},
	} {
		_, err := helm.Loader{}.Load(context.Background(), source)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v", source.Path, err)
		}
	}
}
