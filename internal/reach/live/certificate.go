package live

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/probe"
)

// certificateProblem says what is wrong with the certificates of an answer, or nothing.
// They are judged here, by this machine's authorities, wherever the probe was.
func certificateProblem(check config.TLSCheck, host string, r probe.Result, now time.Time) string {
	if len(r.Chain) == 0 {
		return "there was no TLS"
	}
	var chain []*x509.Certificate
	for _, raw := range r.Chain {
		certificate, err := x509.ParseCertificate(raw)
		if err != nil {
			return fmt.Sprintf("a certificate cannot be read: %v", err)
		}
		chain = append(chain, certificate)
	}
	leaf := chain[0]
	if left := leaf.NotAfter.Sub(now); left < check.MinValidity || left <= 0 {
		return fmt.Sprintf("the certificate of %s expires on %s", leaf.Subject.CommonName, leaf.NotAfter.UTC().Format(time.DateTime))
	}
	name := cmp.Or(check.ServerName, host)
	if check.AllowUnknown {
		if name != "" && leaf.VerifyHostname(name) != nil {
			return fmt.Sprintf("the certificate is not for %s", name)
		}
		return ""
	}
	return verify(check, name, chain, now)
}

func verify(check config.TLSCheck, name string, chain []*x509.Certificate, now time.Time) string {
	options := x509.VerifyOptions{DNSName: name, CurrentTime: now, Intermediates: x509.NewCertPool()}
	if check.CA != "" {
		options.Roots = x509.NewCertPool()
		if !options.Roots.AppendCertsFromPEM([]byte(check.CA)) {
			return fmt.Sprintf("the authorities in %s cannot be read", check.CAFile)
		}
	}
	for _, c := range chain[1:] {
		options.Intermediates.AddCert(c)
	}
	if _, err := chain[0].Verify(options); err != nil {
		return fmt.Sprintf("the certificate is not trusted: %v", err)
	}
	return ""
}
