// Package pki makes the keys and certificates of one cluster: an authority that signs
// nothing else, a serving certificate for loopback, an administrator's client
// certificate and the key that signs service account tokens.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// validity is long since a cluster that is kept has nobody to renew its certificates.
const validity = 10 * 365 * 24 * time.Hour

// Files are the paths of the cluster's keys and certificates, all PEM.
type Files struct {
	CA                    string
	ServerCert, ServerKey string
	AdminCert, AdminKey   string
	ServiceAccountKey     string
	authorityKey          string
}

// Ensure returns the files in dir. Where they do not exist, are torn or have expired,
// all are made anew: they belong together.
func Ensure(dir string, serviceIP net.IP) (Files, error) {
	f := Files{
		CA: filepath.Join(dir, "ca.crt"), authorityKey: filepath.Join(dir, "ca.key"),
		ServerCert: filepath.Join(dir, "apiserver.crt"), ServerKey: filepath.Join(dir, "apiserver.key"),
		AdminCert: filepath.Join(dir, "admin.crt"), AdminKey: filepath.Join(dir, "admin.key"),
		ServiceAccountKey: filepath.Join(dir, "service-account.key"),
	}
	if f.Usable() {
		return f, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return f, fmt.Errorf("making the certificate directory: %w", err)
	}
	if err := f.generate(serviceIP); err != nil {
		return f, fmt.Errorf("making the cluster's certificates: %w", err)
	}
	return f, nil
}

// Usable tells whether every file is whole, belongs to the authority and is still valid.
func (f Files) Usable() bool {
	authorities, err := cert.NewPool(f.CA)
	if err != nil {
		return false
	}
	if _, err := keyutil.PrivateKeyFromFile(f.ServiceAccountKey); err != nil {
		return false
	}
	for _, pair := range [][2]string{{f.ServerCert, f.ServerKey}, {f.AdminCert, f.AdminKey}} {
		loaded, err := tls.LoadX509KeyPair(pair[0], pair[1])
		if err != nil {
			return false
		}
		options := x509.VerifyOptions{Roots: authorities, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
		if _, err := loaded.Leaf.Verify(options); err != nil {
			return false
		}
	}
	return true
}

func (f Files) generate(serviceIP net.IP) error {
	caKey, err := newKey(f.authorityKey)
	if err != nil {
		return err
	}
	ca, err := cert.NewSelfSignedCACert(cert.Config{CommonName: "stagegate-embedded"}, caKey)
	if err != nil {
		return err
	}
	if err := writeCert(f.CA, ca.Raw); err != nil {
		return err
	}
	if _, err := newKey(f.ServiceAccountKey); err != nil {
		return err
	}
	serving := x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), serviceIP},
		DNSNames: []string{
			"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
			"kubernetes.default.svc.cluster.local",
		},
	}
	if err := issue(f.ServerCert, f.ServerKey, serving, ca, caKey); err != nil {
		return err
	}
	admin := x509.Certificate{
		Subject:     pkix.Name{CommonName: "stagegate-admin", Organization: []string{"system:masters"}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	return issue(f.AdminCert, f.AdminKey, admin, ca, caKey)
}

func issue(certPath, keyPath string, template x509.Certificate, ca *x509.Certificate, caKey crypto.Signer) error {
	key, err := newKey(keyPath)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return err
	}
	template.SerialNumber = serial
	template.NotBefore = ca.NotBefore
	template.NotAfter = ca.NotBefore.Add(validity)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, &template, ca, key.Public(), caKey)
	if err != nil {
		return err
	}
	return writeCert(certPath, der)
}

func newKey(path string) (crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	data, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return nil, err
	}
	return key, os.WriteFile(path, data, 0o600)
}

func writeCert(path string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
}
