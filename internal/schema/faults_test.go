package schema

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/project-gimbal/fleet/internal/fault"
)

func TestTranslate(t *testing.T) {
	pg := func(state string) error {
		return &statementError{3, &pgconn.PgError{Code: state, Message: "near secret", Detail: "Key (email)=(ada@example.com)"}}
	}
	for _, c := range []struct {
		name    string
		err     error
		code    fault.Code
		nothing bool
		vendor  string
	}{
		{"syntax error", pg("42601"), fault.Rejected, true, "42601"},
		{"unique violation", pg("23505"), fault.Rejected, true, "23505"},
		{"wrong password", pg("28P01"), fault.Rejected, true, "28P01"},
		{"lock not available", pg("55P03"), fault.NotReady, true, "55P03"},
		{"statement timeout", pg("57014"), fault.Unavailable, true, "57014"},
		{"deadlock", pg("40P01"), fault.Unavailable, true, "40P01"},
		{"too many connections", pg("53300"), fault.Unavailable, true, "53300"},
		{"completion unknown", pg("40003"), fault.Unavailable, false, "40003"},
		{"shut down", pg("57P01"), fault.Unavailable, false, "57P01"},
		{"internal", pg("XX000"), fault.Unavailable, false, "XX000"},
		{"refused", syscall.ECONNREFUSED, fault.Unavailable, true, ""},
		{"broken", errors.New("unexpected EOF"), fault.Unavailable, false, ""},
		{"time is up", context.DeadlineExceeded, fault.Unavailable, false, ""},
		{"a fault stays", fault.New(fault.Conflict, "x"), fault.Conflict, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := translate("Migrate", "migration 0001", c.err)
			f, ok := errors.AsType[*fault.Error](err)
			if !ok || f.Code != c.code || f.NothingHappened != c.nothing || f.VendorCode != c.vendor {
				t.Errorf("got %+v", f)
			}
			if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "ada@") {
				t.Errorf("repeats the server's words: %v", err)
			}
			if c.vendor != "" && !strings.Contains(err.Error(), "migration 0001, statement 3: SQLSTATE "+c.vendor) {
				t.Errorf("does not say where: %v", err)
			}
		})
	}
}

func TestTranslateNamesTheConstraint(t *testing.T) {
	err := translate("WriteConfig", "instance_config", &pgconn.PgError{Code: "23514", ConstraintName: "limit_positive", Detail: "Failing row contains (ada@example.com)"})
	if text := err.Error(); !strings.Contains(text, "SQLSTATE 23514 by limit_positive") || strings.Contains(text, "ada@") {
		t.Errorf("got %s", text)
	}
}
