package live

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/probe"
)

// certificateProblem says what is wrong with the certificates of an answer, or nothing.
// They are judged here, by this machine's authorities, wherever the probe was.
func certificateProblem(check config.TLSCheck, hostPattern string, r probe.Result, now time.Time) string {
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
	name := cmp.Or(check.ServerName, host(hostPattern))
	if check.AllowUnknown {
		if name != "" && chain[0].VerifyHostname(name) != nil {
			return fmt.Sprintf("the certificate is not for %s", name)
		}
		return expiryProblem(check, [][]*x509.Certificate{chain[:1]}, now)
	}
	return verify(check, name, chain, now)
}

func verify(check config.TLSCheck, name string, chain []*x509.Certificate, now time.Time) string {
	if problem := expiryProblem(check, [][]*x509.Certificate{chain[:1]}, now); problem != "" {
		return problem
	}
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
	trusted, err := chain[0].Verify(options)
	if err != nil {
		return fmt.Sprintf("the certificate is not trusted: %v", err)
	}
	return expiryProblem(check, trusted, now)
}

// expiryProblem names the certificate that ends the chain that lasts longest, if that is too soon.
func expiryProblem(check config.TLSCheck, chains [][]*x509.Certificate, now time.Time) string {
	var last *x509.Certificate
	for _, chain := range chains {
		first := slices.MinFunc(chain, func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) })
		if last == nil || first.NotAfter.After(last.NotAfter) {
			last = first
		}
	}
	if left := last.NotAfter.Sub(now); left < check.MinValidity || left <= 0 {
		return fmt.Sprintf("the certificate of %s expires on %s", last.Subject.CommonName, last.NotAfter.UTC().Format(time.DateTime))
	}
	return ""
}
