package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strconv"

	"github.com/project-gimbal/fleet/internal/fault"
)

// refused is a fault of the address: asking again helps only when somebody has changed something.
func refused(text string) error {
	return &fault.Error{Code: fault.Rejected, Vendor: vendor, Operation: operation, Text: text, NothingHappened: true}
}

func tooLarge(limit int64) error {
	return &fault.Error{Code: fault.Rejected, Vendor: vendor, Operation: operation, NothingHappened: true,
		Text: "the file is larger than " + size(limit)}
}

func unavailable(text string, err error) error {
	return &fault.Error{Code: fault.Unavailable, Vendor: vendor, Operation: operation, Text: text, NothingHappened: true, Err: err}
}

// status is the fault of an answer that is no file.
func status(code int) error {
	f := &fault.Error{Code: fault.Rejected, Vendor: vendor, Operation: operation, Text: "there is no file at the address", Status: code, NothingHappened: true}
	switch {
	case code == http.StatusTooManyRequests:
		f.Code, f.Text = fault.Throttled, "the host wants to be asked less often"
	case code == http.StatusRequestTimeout, code >= 500:
		f.Code, f.Text = fault.Unavailable, "the host has no usable answer"
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		f.Text = "the host doesn't show the file to everybody"
	}
	return f
}

// failed translates what went wrong before there was an answer, or in the middle of it.
func failed(err error) error {
	if _, told := errors.AsType[*fault.Error](err); told {
		return err
	}
	if _, is := errors.AsType[*forbiddenError](err); is {
		return refused("the address, or one that it leads on to, is not a public one")
	}
	if unresolved, is := errors.AsType[*net.DNSError](err); is && unresolved.IsNotFound {
		return unavailable("the host name does not resolve", err)
	}
	_, uncertified := errors.AsType[*tls.CertificateVerificationError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, other := errors.AsType[x509.HostnameError](err)
	switch {
	case uncertified || unknown || other:
		return refused("the host has no valid certificate")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return unavailable("the host took too long", err)
	}
	return unavailable("the host can't be reached", err)
}

// size is a number of bytes for people, whole MB where it is one.
func size(n int64) string {
	if n >= 1<<20 && n%(1<<20) == 0 {
		return strconv.FormatInt(n>>20, 10) + " MB"
	}
	return strconv.FormatInt(n, 10) + " bytes"
}
