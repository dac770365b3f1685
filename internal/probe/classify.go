package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
)

// failure says what kind of failure err is. phase is what the attempt was at.
func failure(err error, phase string) Result {
	r := Result{Code: codeOf(err, phase), Detail: err.Error()}
	if r.Code == TimedOut {
		r.Phase = phase
	}
	return r
}

func codeOf(err error, phase string) Code {
	var name *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &name) && name.IsNotFound:
		return NameError
	case errors.As(err, &name) && !name.IsTimeout:
		return Failed // the server refused to answer, or could not: that says nothing of the name
	case errors.Is(err, context.Canceled):
		return Failed
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.Is(err, syscall.ETIMEDOUT), errors.As(err, &timeout) && timeout.Timeout():
		return TimedOut
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, syscall.EHOSTUNREACH):
		return NoRoute
	case isTLS(err):
		return TLSError
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		if phase == Connecting {
			return Refused
		}
		return Reset
	}
	return Failed
}

func isTLS(err error) bool {
	var alert tls.AlertError
	var record tls.RecordHeaderError
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	return errors.Is(err, http.ErrSchemeMismatch) || errors.As(err, &alert) || errors.As(err, &record) || errors.As(err, &certificate) || errors.As(err, &authority)
}
