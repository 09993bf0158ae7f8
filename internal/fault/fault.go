// Package fault names what can go wrong, in one spelling for Go, for ErrorEquals in the state machines and for the
// runbooks.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Code classifies a failure. It is the error name a state machine sees.
type Code string

// Permanent codes: trying again unchanged cannot help.
const (
	// Rejected: a vendor refused the request for good (a definite 4xx).
	Rejected Code = "Rejected"
	// Conflict: something else already has the name, or the record is not in the state the step needs.
	Conflict Code = "Conflict"
	// NotOurs: a resource of our name exists without our ownership mark. It is never touched.
	NotOurs Code = "NotOurs"
	// QuotaExceeded: a vendor's allowance is used up.
	QuotaExceeded Code = "QuotaExceeded"
	// Overdue: the operation's deadline has passed. Raised before any vendor call.
	Overdue Code = "Overdue"
	// Internal: a panic, or input that does not decode.
	Internal Code = "Internal"
	// StaleEpoch: another run has taken the instance over. Whoever did is responsible; this run ends quietly.
	StaleEpoch Code = "StaleEpoch"
)

// Transient codes: the same request may succeed later.
const (
	// Throttled: a vendor's rate limit. Nothing happened.
	Throttled Code = "Throttled"
	// Unavailable: no answer, a 5xx, or a broken connection. Whether anything happened is unknown.
	Unavailable Code = "Unavailable"
	// NotReady: what the step waits for has not happened yet.
	NotReady Code = "NotReady"
)

// Codes lists every code: the permanent ones, then the transient ones.
func Codes() []Code {
	return []Code{Rejected, Conflict, NotOurs, QuotaExceeded, Overdue, Internal, StaleEpoch, Throttled, Unavailable, NotReady}
}

// Transient reports whether trying again unchanged may help.
func (c Code) Transient() bool { return c == Throttled || c == Unavailable || c == NotReady }

// Error is a classified failure. Its text is safe to log and to show: callers put no secret and no vendor's free text
// into it.
type Error struct {
	Code Code
	// Text says what happened, for people.
	Text string
	// Vendor and Operation name the call, as in "supabase" and "CreateProject"; empty where no vendor is concerned.
	Vendor, Operation string
	// Status is the HTTP status of the vendor's answer, 0 without one. VendorCode is the vendor's own error code.
	Status     int
	VendorCode string
	// NothingHappened is true where the vendor certainly did nothing: a 429, a refused connection, a definite 4xx.
	NothingHappened bool
	// RetryAfter is what the vendor asked for, 0 if it didn't.
	RetryAfter time.Duration
	// Err is the cause, kept for errors.Is and never printed: it may carry a vendor's own words.
	Err error
}

func (e *Error) Error() string {
	where := ""
	if e.Vendor != "" {
		where = e.Vendor + "." + e.Operation + ": "
	}
	if e.Status != 0 {
		return fmt.Sprintf("%s%s (HTTP %d%s)", where, e.Text, e.Status, prefixed(" ", e.VendorCode))
	}
	return where + e.Text
}

func prefixed(p, s string) string {
	if s == "" {
		return ""
	}
	return p + s
}

func (e *Error) Unwrap() error { return e.Err }

// New is an Error of the given code with a formatted text.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Text: fmt.Sprintf(format, args...)}
}

// CodeOf is err's code: that of the outermost *Error in its chain, and Internal where there is none.
func CodeOf(err error) Code {
	if f, ok := errors.AsType[*Error](err); ok {
		return f.Code
	}
	return Internal
}

// Is reports whether err's code is one of codes. A nil error has no code.
func Is(err error, codes ...Code) bool {
	if err == nil {
		return false
	}
	c := CodeOf(err)
	for _, want := range codes {
		if c == want {
			return true
		}
	}
	return false
}

// NothingHappened reports whether err proves that the vendor did nothing.
func NothingHappened(err error) bool {
	f, ok := errors.AsType[*Error](err)
	return ok && f.NothingHappened
}
