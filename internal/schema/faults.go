package schema

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/project-gimbal/fleet/internal/fault"
)

// vendor is whose database it is, in faults.
const vendor = "supabase"

// statementError says which statement of a migration failed.
type statementError struct {
	number int // from 1
	err    error
}

func (e *statementError) Error() string { return fmt.Sprintf("statement %d: %v", e.number, e.err) }
func (e *statementError) Unwrap() error { return e.err }

// translate makes a fault of a database error. What the server says in words stays out of the text, for it may repeat
// data; its SQLSTATE and a constraint's name go in.
func translate(operation, what string, err error) error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	if s, ok := errors.AsType[*statementError](err); ok {
		what = fmt.Sprintf("%s, statement %d", what, s.number)
	}
	f := &fault.Error{Code: fault.Unavailable, Vendor: vendor, Operation: operation, Text: what + ": no answer from the database", Err: err}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		f.Code, f.NothingHappened = classify(pg.Code)
		f.VendorCode, f.Text = pg.Code, what+": SQLSTATE "+pg.Code
		if pg.ConstraintName != "" {
			f.Text += " by " + pg.ConstraintName
		}
		return f
	}
	if why := stranger(err); why != "" {
		f.Code, f.Text, f.NothingHappened = fault.Rejected, what+": not Supabase's server: "+why, true
		return f
	}
	f.NothingHappened = errors.Is(err, syscall.ECONNREFUSED) || pgconn.SafeToRetry(err)
	return f
}

// stranger tells why whoever answered isn't taken for the vendor, and so was not told the password; empty where nothing speaks
// against it. For the latter two reasons pgconn has no types.
func stranger(err error) string {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate is none of Supabase's for this name"
	}
	switch text := err.Error(); {
	case strings.Contains(text, "server refused TLS connection"):
		return "it speaks no TLS"
	case strings.Contains(text, "require_auth check failed"):
		return "it lets in otherwise than by SCRAM"
	}
	return ""
}

// classify tells by its SQLSTATE (PostgreSQL's appendix A) whether an error is transient, and whether it proves that the
// transaction had no effect.
func classify(state string) (code fault.Code, nothingHappened bool) {
	switch class := state[:min(2, len(state))]; {
	case state == "55P03": // lock_not_available: another applier, or a long query
		return fault.NotReady, true
	case state == "57014", // query_canceled, by a time limit
		state == "25P03", state == "25P04", // ended by the server: idle or too long in a transaction
		class == "53",                     // out of connections, memory or disk
		class == "40" && state != "40003": // deadlock, serialization failure
		return fault.Unavailable, true
	case class == "08", // connection exception
		class == "57",    // shutting down, starting up
		class == "58",    // system error
		class == "XX",    // internal error, which poolers also use for a project that is coming up
		state == "40003": // statement_completion_unknown
		return fault.Unavailable, false
	default:
		return fault.Rejected, true
	}
}

// Fault makes a fault of a database error, as every method of this package does: of the server's words it tells the SQLSTATE and
// a constraint's name only.
func Fault(operation, what string, err error) error { return translate(operation, what, err) }
