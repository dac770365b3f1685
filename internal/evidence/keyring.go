package evidence

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stagegate/stagegate/internal/durable"
)

// The files of a key ring.
const (
	privateFile = "stagegate.key"
	publicFile  = "stagegate.pub"
	trustedDir  = "trusted"
)

// KeyRing is a directory with the key that signs here (stagegate.key, stagegate.pub) and
// the public keys of others that are trusted too (trusted/*.pub, such as that of CI).
type KeyRing struct{ dir string }

// Trusted are the keys whose signatures are believed: the own one, if there is one yet,
// and those of others.
func (r KeyRing) Trusted() ([]PublicKey, error) {
	var keys []PublicKey
	own, err := r.load()
	switch {
	case err == nil:
		keys = append(keys, own.PublicKey)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	names, err := fs.Glob(os.DirFS(r.dir), trustedDir+"/*.pub")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		file := filepath.Join(r.dir, name)
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading trusted key: %w", err)
		}
		key, err := ParsePublicKey(content)
		if err != nil {
			return nil, fmt.Errorf("reading trusted key %s: %w: replace or remove the file", file, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// Own is the public key of the key that signs here; it is made on first use.
func (r KeyRing) Own() (PublicKey, error) {
	key, err := r.signer()
	return key.PublicKey, err
}

// signer loads the own key, or makes it. Of two processes that make it at once, one wins
// and both use its key.
func (r KeyRing) signer() (privateKey, error) {
	key, err := r.load()
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := r.create(); err != nil && !errors.Is(err, fs.ErrExist) {
		return privateKey{}, fmt.Errorf("creating signing key: %w", err)
	}
	if key, err = r.load(); err != nil {
		return privateKey{}, err
	}
	public, err := key.PEM()
	if err != nil {
		return privateKey{}, err
	}
	return key, durable.Write(filepath.Join(r.dir, publicFile), public, 0o644)
}

func (r KeyRing) load() (privateKey, error) {
	file := filepath.Join(r.dir, privateFile)
	info, err := os.Stat(file)
	if err != nil {
		return privateKey{}, fmt.Errorf("reading signing key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return privateKey{}, fmt.Errorf("reading signing key: %s can be read by others (%v): run chmod 600 on it, or remove it if it may have leaked", file, info.Mode().Perm())
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return privateKey{}, fmt.Errorf("reading signing key: %w", err)
	}
	block, _ := pem.Decode(content)
	if block == nil || block.Type != "PRIVATE KEY" {
		return privateKey{}, fmt.Errorf("reading signing key: %s has no PEM block PRIVATE KEY: restore it, or remove it to get a new key", file)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return privateKey{}, fmt.Errorf("reading signing key: %s is not PKCS #8: restore it, or remove it to get a new key", file)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return privateKey{}, fmt.Errorf("reading signing key: %s is of type %T, not Ed25519", file, key)
	}
	return newPrivateKey(private)
}

// create makes a key pair; one that is there already is an error.
func (r KeyRing) create() error {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(r.dir, trustedDir), 0o700); err != nil {
		return err
	}
	return durable.Create(filepath.Join(r.dir, privateFile), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}
