package evidence

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	testresult "github.com/in-toto/attestation/go/predicates/test_result/v0"
	vsa "github.com/in-toto/attestation/go/predicates/vsa/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/reach"
)

func TestFindAndHistory(t *testing.T) {
	s := Open(t.TempDir())
	if entries, err := s.History(); err != nil || len(entries) != 0 {
		t.Fatalf("history of an empty store = %v, %v", entries, err)
	}
	var ids []string
	for i, change := range []func(*Record){
		func(*Record) {},
		func(r *Record) { r.Finished = r.Finished.Add(time.Minute); r.Decision.Verdict = gate.Blocked },
		func(r *Record) { r.Environment = "qa" },
		func(r *Record) { r.ChangeDigest = digest("other") },
	} {
		r := record()
		change(&r)
		id, err := s.Write(t.Context(), r)
		if err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
		ids = append(ids, id)
	}
	found, err := s.Find(digest("change"), "staging")
	if err != nil || len(found) != 2 || found[0].ID != ids[1] || found[1].ID != ids[0] {
		t.Fatalf("found = %+v, %v; want the two of staging, newest first", found, err)
	}
	key, err := s.Keys.Own()
	if err != nil {
		t.Fatal(err)
	}
	want := Entry{
		ID: ids[0], File: found[1].File, ChangeName: "charts/shop", ChangeDigest: digest("change"), Environment: "staging",
		Cluster: "stagegate:cluster/staging-eu/uid-1", Run: "stagegate:run/r1", Result: "PASSED",
		Levels: []string{"STAGEGATE_STAGING_REACHABLE_MODELLED"}, Grade: reach.Modelled, Time: now.Add(-time.Hour), KeyID: key.ID(),
	}
	if diff := cmp.Diff(want, found[1]); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
	if found[0].Result != "FAILED" || found[0].Grade != "" {
		t.Errorf("entry of a blocked run = %+v", found[0])
	}
	if all, err := s.History(); err != nil || len(all) != 4 {
		t.Errorf("history = %v, %v; want all four", all, err)
	}
}

func TestTheSameRecordIsOneFile(t *testing.T) {
	s, first := stored(t, record())
	second, err := s.Write(t.Context(), record())
	if err != nil || first != second {
		t.Errorf("ids %s and %s, %v", first, second, err)
	}
	if all, err := s.History(); err != nil || len(all) != 1 {
		t.Errorf("history = %v, %v", all, err)
	}
}

func TestDamagedFiles(t *testing.T) {
	s, id := stored(t, record())
	_, entry, err := s.Load(id)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(entry.File)
	if err != nil {
		t.Fatal(err)
	}
	content[100] ^= 1
	if err := os.WriteFile(entry.File, content, 0o600); err != nil {
		t.Fatal(err)
	}
	want := "reading evidence: " + entry.File + " was altered: its digest is " + string(digestOf(content)) + "; remove it and stage the change again"
	_, _, err = s.Load(id)
	wantError(t, err, want)
	wantError(t, s.Verify(t.Context(), id, expected()), "verifying evidence: type: "+want)
	all, err := s.History()
	if err != nil || len(all) != 1 || all[0].Damaged != want {
		t.Errorf("history = %+v, %v; want the damage named", all, err)
	}
}

func TestRefusedIDs(t *testing.T) {
	s, _ := stored(t, record())
	_, _, err := s.Load("sha256:abc")
	wantError(t, err, `reading evidence: "sha256:abc" is no record id: write 12 digits of it or more`)
	_, _, err = s.Load("../../etc/passwd")
	wantError(t, err, `reading evidence: "../../etc/passwd" is no record id: write 12 digits of it or more`)
	_, _, err = s.Load("0123456789ab")
	wantError(t, err, "reading evidence: there is no record 0123456789ab: file does not exist")
}

// The statements are what in-toto's own types read, with nothing unknown but the
// verifier's version, which they lack.
func TestStatementsConform(t *testing.T) {
	s, id := stored(t, record())
	content, _, err := s.Load(id)
	if err != nil {
		t.Fatal(err)
	}
	b, err := parseBundle(content)
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.statements()
	if err != nil {
		t.Fatal(err)
	}
	for _, payload := range b.payload {
		var st intoto.Statement
		if err := protojson.Unmarshal(payload, &st); err != nil {
			t.Fatal(err)
		}
		if err := st.Validate(); err != nil {
			t.Error(err)
		}
	}
	var tr testresult.TestResult
	var sum vsa.VerificationSummary
	for _, part := range []struct {
		content []byte
		options protojson.UnmarshalOptions
		into    proto.Message
	}{
		{c.checks.Predicate, protojson.UnmarshalOptions{}, &tr},
		{c.verdict.Predicate, protojson.UnmarshalOptions{DiscardUnknown: true}, &sum},
	} {
		if err := part.options.Unmarshal(part.content, part.into); err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff([]string{"external -> ingress/shop/web (shop.example/)"}, tr.PassedTests); diff != "" {
		t.Errorf("passed tests (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"deployment/shop/web -> service/shop/db:5432/TCP"}, tr.WarnedTests); diff != "" {
		t.Errorf("warned tests (-want +got):\n%s", diff)
	}
	if tr.Result != "WARNED" || sum.VerificationResult != "PASSED" || sum.GetTimeVerified().AsTime() != now.Add(-time.Hour) {
		t.Errorf("result %s, verdict %s, time %s", tr.Result, sum.VerificationResult, sum.TimeVerified.AsTime())
	}
}

func TestKeyIsMadeOnce(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	keys := make([]PublicKey, 8)
	for i := range keys {
		wg.Go(func() {
			var err error
			if keys[i], err = Open(dir).Keys.Own(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, k := range keys {
		if k.ID() != keys[0].ID() {
			t.Fatal("two processes made two keys")
		}
	}
	info, err := os.Stat(filepath.Join(dir, "keys", privateFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("private key = %v, %v; want mode 0600", info, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "keys", ".tmp-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestRefusedKeys(t *testing.T) {
	dir := t.TempDir()
	s := Open(dir)
	if _, err := s.Keys.Own(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "keys", privateFile)
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := s.Write(t.Context(), record())
	wantError(t, err, "writing evidence: reading signing key: "+file+" can be read by others (-rw-r--r--): run chmod 600 on it, or remove it if it may have leaked")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = s.Keys.Trusted()
	wantError(t, err, "reading signing key: "+file+" has no PEM block PRIVATE KEY: restore it, or remove it to get a new key")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	pub := filepath.Join(dir, "keys", trustedDir, "ci.pub")
	if err := os.WriteFile(pub, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = s.Keys.Trusted()
	wantError(t, err, "reading trusted key "+pub+": expected a PEM block PUBLIC KEY: replace or remove the file")
}

// trust puts a public key among those that a store trusts.
func trust(t *testing.T, s *Store, content []byte) {
	t.Helper()
	dir := filepath.Join(s.Keys.dir, trustedDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ci.pub"), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestKeyOfAnotherMachine(t *testing.T) {
	ci, id := stored(t, record())
	content, _, err := ci.Load(id)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ci.Keys.Own()
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PEM()
	if err != nil {
		t.Fatal(err)
	}
	laptop := Open(t.TempDir())
	trust(t, laptop, public)
	if err := laptop.verifyContent(t, content); err != nil {
		t.Error(err)
	}
}

func TestECDSAKey(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParsePublicKey(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("data"))
	signature, err := ecdsa.SignASN1(rand.Reader, private, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Verify(t.Context(), []byte("data"), signature); err != nil {
		t.Error(err)
	}
	if err := key.Verify(t.Context(), []byte("date"), signature); err == nil {
		t.Error("a signature of other data was accepted")
	}
	if !strings.HasPrefix(key.ID(), "sha256:") {
		t.Errorf("id = %s", key.ID())
	}
}
