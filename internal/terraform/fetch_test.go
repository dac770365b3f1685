package terraform

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
)

// site serves releases of Terraform, each a script that says its version, as HashiCorp's
// does, signed with a key of its own.
func site(t *testing.T, spoil func(archive []byte) []byte, versions ...string) source {
	t.Helper()
	key, err := openpgp.NewEntity("releases", "", "releases@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	files, builds := map[string][]byte{}, map[string]any{}
	for _, version := range versions {
		name := fmt.Sprintf("terraform_%s_%s_%s.zip", version, runtime.GOOS, runtime.GOARCH)
		archive := archiveOf(t, version)
		sums := fmt.Appendf(nil, "%x  %s\n", sha256.Sum256(archive), name)
		var signature bytes.Buffer
		if err := openpgp.DetachSign(&signature, key, bytes.NewReader(sums), nil); err != nil {
			t.Fatal(err)
		}
		base := "/terraform/" + version + "/"
		files[base+name], files[base+"SHA256SUMS"], files[base+"x_SHA256SUMS.sig"] = spoil(archive), sums, signature.Bytes()
		builds[version] = map[string]any{
			"name": "terraform", "version": version, "shasums": "SHA256SUMS", "shasums_signature": "x_SHA256SUMS.sig",
			"builds": []any{map[string]string{"os": runtime.GOOS, "arch": runtime.GOARCH, "filename": name, "url": base + name}},
		}
		if files[base+"index.json"], err = json.Marshal(builds[version]); err != nil {
			t.Fatal(err)
		}
	}
	if files["/terraform/index.json"], err = json.Marshal(map[string]any{"name": "terraform", "versions": builds}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, ok := files[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		w.Header().Set("Content-Type", map[string]string{".json": "application/json", ".zip": "application/zip"}[filepath.Ext(r.URL.Path)])
		_, _ = w.Write(content)
	}))
	t.Cleanup(server.Close)
	return source{server.URL, armored(t, key)}
}

func archiveOf(t *testing.T, version string) []byte {
	t.Helper()
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	program, err := z.Create("terraform")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(program, "#!/bin/sh\necho '{\"terraform_version\": \"%s\"}'\n", version)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

func armored(t *testing.T, key *openpgp.Entity) string {
	t.Helper()
	var text bytes.Buffer
	w, err := armor.Encode(&text, openpgp.PublicKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Serialize(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func as(archive []byte) []byte { return archive }

// TestFetch installs the newest release that fits, once.
func TestFetch(t *testing.T) {
	from := site(t, as, "1.9.0", "1.10.5", "1.11.0")
	wanted, err := parseConstraints([]string{"< 1.11"})
	if err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(t.TempDir(), "programs")
	var first Program
	for _, progress := range []int{1, 0} { // the second time it is there
		said := 0
		p, err := from.fetch(t.Context(), wanted, cache, func(string, ...any) { said++ })
		if err != nil || p.Version != "1.10.5" || said != progress {
			t.Fatalf("fetched %+v, %v, having said %d things; want 1.10.5 and %d", p, err, said, progress)
		}
		if first.Path != "" && p != first {
			t.Errorf("the second time it is %+v, and was %+v", p, first)
		}
		first = p
	}
}

// TestFetchVerifies: what is not signed, or not what was signed, is not left in the cache.
func TestFetchVerifies(t *testing.T) {
	other := site(t, as, "1.10.5")
	for what, test := range map[string]struct {
		from func(*testing.T) source
		want string
	}{
		"another archive": {func(t *testing.T) source {
			return site(t, func([]byte) []byte { return archiveOf(t, "6.6.6") }, "1.10.5")
		}, "is not what was signed"},
		"another key": {func(t *testing.T) source { return source{site(t, as, "1.10.5").url, other.key} }, "unable to verify checksums signature"},
	} {
		t.Run(what, func(t *testing.T) {
			cache := filepath.Join(t.TempDir(), "programs")
			_, err := test.from(t).fetch(t.Context(), nil, cache, nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %s", err, test.want)
			}
			if left, err := filepath.Glob(filepath.Join(cache, "release-*")); err != nil || len(left) > 0 {
				t.Errorf("left are %v, %v", left, err)
			}
		})
	}
}
