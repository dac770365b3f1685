package evidence

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// PublicKey is a key that signatures can be verified with: Ed25519, or ECDSA over SHA-256.
type PublicKey struct {
	id  string
	key crypto.PublicKey
}

var _ dsse.Verifier = PublicKey{}

// ParsePublicKey reads a key in PEM, as PKIX (RFC 5280 SubjectPublicKeyInfo).
func ParsePublicKey(content []byte) (PublicKey, error) {
	block, _ := pem.Decode(content)
	if block == nil || block.Type != "PUBLIC KEY" {
		return PublicKey{}, errors.New("expected a PEM block PUBLIC KEY")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return PublicKey{}, err
	}
	return newPublicKey(key)
}

func newPublicKey(key crypto.PublicKey) (PublicKey, error) {
	switch key.(type) {
	case ed25519.PublicKey, *ecdsa.PublicKey:
	default:
		return PublicKey{}, fmt.Errorf("keys of type %T are not supported: use Ed25519 or ECDSA", key)
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return PublicKey{}, err
	}
	return PublicKey{id: string(digestOf(der)), key: key}, nil
}

// ID is the SHA-256 digest of the key's PKIX form.
func (k PublicKey) ID() string { return k.id }

// PEM is the key for a file under keys/trusted of another machine.
func (k PublicKey) PEM() ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(k.key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// KeyID is ID, for DSSE.
func (k PublicKey) KeyID() (string, error) { return k.id, nil }

// Public is the key itself, for DSSE.
func (k PublicKey) Public() crypto.PublicKey { return k.key }

// Verify tells whether a signature of the data is by this key.
func (k PublicKey) Verify(_ context.Context, data, signature []byte) error {
	switch key := k.key.(type) {
	case ed25519.PublicKey:
		if ed25519.Verify(key, data, signature) {
			return nil
		}
	case *ecdsa.PublicKey:
		if sum := sha256.Sum256(data); ecdsa.VerifyASN1(key, sum[:], signature) {
			return nil
		}
	}
	return errors.New("the signature does not match")
}

// privateKey signs.
type privateKey struct {
	PublicKey
	private ed25519.PrivateKey
}

var _ dsse.Signer = privateKey{}

func newPrivateKey(private ed25519.PrivateKey) (privateKey, error) {
	public, err := newPublicKey(private.Public())
	return privateKey{public, private}, err
}

// Sign is the Ed25519 signature of the data.
func (k privateKey) Sign(_ context.Context, data []byte) ([]byte, error) {
	return ed25519.Sign(k.private, data), nil
}
