package apply

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// Sealed is JSON under AES-256-GCM: a nonce of 12 bytes and the ciphertext. The context
// it was sealed in (run and object) is authenticated with it.
type Sealed []byte

// Seal encrypts a value with a key of 32 bytes, for the context.
func Seal(key []byte, context string, value any) (Sealed, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return aead.Seal(nonce, nonce, plain, []byte(context)), nil
}

// Open decrypts into value; the context must be that of Seal.
func (s Sealed) Open(key []byte, context string, value any) error {
	aead, err := newAEAD(key)
	if err != nil {
		return err
	}
	if len(s) < aead.NonceSize() {
		return errors.New("sealed object is cut short: the record is damaged")
	}
	n := aead.NonceSize()
	plain, err := aead.Open(nil, s[:n], s[n:], []byte(context))
	if err != nil {
		return errors.New("sealed object does not open: the record is damaged, or was written with another key")
	}
	// Not encoding/json: the numbers of an object are int64 where they are whole.
	return utiljson.Unmarshal(plain, value)
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	if len(key) != 32 {
		return nil, fmt.Errorf("sealing key has %d bytes: it must have 32", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
