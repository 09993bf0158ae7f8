package fault_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/fault"
)

func TestCodes(t *testing.T) {
	transient := []fault.Code{fault.Throttled, fault.Unavailable, fault.NotReady}
	seen := map[fault.Code]bool{}
	for _, c := range fault.Codes() {
		if seen[c] || c == "" || strings.ContainsAny(string(c), ". ") {
			t.Errorf("code %q is double, or no name for ErrorEquals", c)
		}
		seen[c] = true
		if c.Transient() != slices.Contains(transient, c) {
			t.Errorf("%s is transient: %t", c, c.Transient())
		}
	}
	if len(seen) != 10 || fault.Code("Timeout").Transient() {
		t.Errorf("%d codes", len(seen))
	}
}

func TestCodeOf(t *testing.T) {
	inner := fault.New(fault.NotReady, "inner")
	for _, test := range []struct {
		name string
		err  error
		want fault.Code
	}{
		{"itself", inner, fault.NotReady},
		{"wrapped", fmt.Errorf("a: %w", fmt.Errorf("b: %w", inner)), fault.NotReady},
		{"outermost counts", &fault.Error{Code: fault.Rejected, Err: inner}, fault.Rejected},
		{"joined with others", errors.Join(io.EOF, inner), fault.NotReady},
		{"first of those joined", errors.Join(fault.New(fault.Conflict, ""), inner), fault.Conflict},
		{"wrapped join", fmt.Errorf("x: %w", errors.Join(io.EOF, fmt.Errorf("y: %w", inner))), fault.NotReady},
		{"two wrapped at once", fmt.Errorf("%w, %w", io.EOF, inner), fault.NotReady},
		{"none", io.EOF, fault.Internal},
		{"none joined", errors.Join(io.EOF, io.ErrUnexpectedEOF), fault.Internal},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := fault.CodeOf(test.err); got != test.want {
				t.Errorf("code %s, want %s", got, test.want)
			}
			if !fault.Is(test.err, test.want) || !fault.Is(test.err, fault.Overdue, test.want) {
				t.Error("Is does not see the code")
			}
			if fault.Is(test.err, fault.Overdue, fault.Throttled) || fault.Is(test.err) {
				t.Error("Is sees another code")
			}
		})
	}
	if fault.Is(nil, fault.Codes()...) {
		t.Error("no error has a code")
	}
}

func TestNothingHappened(t *testing.T) {
	sure := &fault.Error{Code: fault.Throttled, NothingHappened: true}
	unsure := fault.New(fault.Unavailable, "")
	for _, test := range []struct {
		err  error
		want bool
	}{
		{sure, true}, {fmt.Errorf("x: %w", sure), true}, {errors.Join(io.EOF, sure), true},
		{unsure, false}, {nil, false}, {io.EOF, false},
		{&fault.Error{Code: fault.NotReady, Err: sure}, false}, // what wraps it may know more
	} {
		if fault.NothingHappened(test.err) != test.want {
			t.Errorf("%v: want %t", test.err, test.want)
		}
	}
}

func TestErrorText(t *testing.T) {
	for _, test := range []struct {
		err  fault.Error
		want string
	}{
		{fault.Error{Text: "refused"}, "refused"},
		{fault.Error{Text: "refused", Vendor: "twilio", Operation: "CreateKey"}, "twilio.CreateKey: refused"},
		{fault.Error{Text: "refused", Vendor: "twilio", Operation: "CreateKey", Status: 400}, "twilio.CreateKey: refused (HTTP 400)"},
		{fault.Error{Text: "refused", Vendor: "twilio", Operation: "CreateKey", Status: 400, VendorCode: "20001"}, "twilio.CreateKey: refused (HTTP 400 20001)"},
		{fault.Error{Text: "no such signup", Status: 404}, "no such signup (HTTP 404)"},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
	if got := fault.New(fault.Overdue, "at %d %s", 5, "o'clock").Error(); got != "at 5 o'clock" {
		t.Error(got)
	}
}

// TestCauseIsNeverShown: the cause may hold a vendor's own words or a secret; it is there for errors.Is alone.
func TestCauseIsNeverShown(t *testing.T) {
	cause := fmt.Errorf("password hunter2: %w", io.ErrUnexpectedEOF)
	f := &fault.Error{Code: fault.Unavailable, Text: "no answer", Vendor: "v", Operation: "o", Status: 500, Err: cause}
	for _, err := range []error{f, fmt.Errorf("x: %w", f), errors.Join(f, io.EOF)} {
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error("the cause is lost")
		}
		for _, format := range []string{"%v", "%s", "%+v", "%q"} {
			if text := fmt.Sprintf(format, err); strings.Contains(text, "hunter2") {
				t.Errorf("%s shows the cause: %s", format, text)
			}
		}
	}
}
