package change

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
)

// Digest is written "sha256:" and 64 hexadecimal digits.
type Digest string

// Short is the digest for people: the first twelve digits.
func (d Digest) Short() string {
	if len(d) < 19 {
		return string(d)
	}
	return string(d[7:19])
}

// Hash collects named contents and sums them with their lengths, so that no two
// different lists of contents give the same bytes to hash.
type Hash struct {
	domain  string
	entries []entry
}

type entry struct {
	name    string
	content []byte
}

// NewHash starts a hash; the domain separates hashes of different things.
func NewHash(domain string) *Hash { return &Hash{domain: domain} }

// Add adds one content under a name. The order of additions counts.
func (h *Hash) Add(name string, content []byte) {
	h.entries = append(h.entries, entry{name, content})
}

// Sort puts the contents in order of their names: for files, whose order means nothing.
func (h *Hash) Sort() {
	slices.SortStableFunc(h.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.name, b.name), bytes.Compare(a.content, b.content))
	})
}

// Sum is the digest of what was added.
func (h *Hash) Sum() Digest {
	sum := sha256.New()
	write := func(b []byte) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		sum.Write(n[:])
		sum.Write(b)
	}
	write([]byte("stagegate.dev/v1alpha1/" + h.domain))
	for _, e := range h.entries {
		write([]byte(e.name))
		write(e.content)
	}
	return Digest("sha256:" + hex.EncodeToString(sum.Sum(nil)))
}
