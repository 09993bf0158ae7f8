package provider_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

func TestFailed(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	reset := &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	for _, test := range []struct {
		name    string
		err     error
		code    fault.Code
		nothing bool
	}{
		{"too late", provider.ErrTooLate, fault.NotReady, true},
		{"too late, as http.Client wraps it", &url.Error{Op: "Post", URL: "https://x.test", Err: provider.ErrTooLate}, fault.NotReady, true},
		{"no attempt", &url.Error{Op: "Post", URL: "https://x.test", Err: provider.ErrNoAttempt}, fault.Internal, true},
		{"connection refused", &url.Error{Op: "Post", URL: "https://x.test", Err: refused}, fault.Unavailable, true},
		{"connection reset", &url.Error{Op: "Post", URL: "https://x.test", Err: reset}, fault.Unavailable, false},
		{"timed out", &url.Error{Op: "Post", URL: "https://x.test", Err: context.DeadlineExceeded}, fault.Unavailable, false},
		{"cancelled", context.Canceled, fault.Unavailable, false},
		{"broken off", io.ErrUnexpectedEOF, fault.Unavailable, false},
		{"too long", provider.ErrTooLong, fault.Unavailable, false},
		{"anything", errors.New("the vendor said hunter2"), fault.Unavailable, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := provider.Failed("vendor", "DoIt", test.err)
			if fault.CodeOf(err) != test.code || fault.NothingHappened(err) != test.nothing {
				t.Errorf("code %s, nothing happened %t", fault.CodeOf(err), fault.NothingHappened(err))
			}
			if !errors.Is(err, test.err) || provider.NotFound(err) {
				t.Error("the cause is lost, or it is a 404")
			}
			if text := err.Error(); !strings.HasPrefix(text, "vendor.DoIt: ") || strings.Contains(text, "hunter2") || strings.Contains(text, "x.test") {
				t.Error(text)
			}
		})
	}
}

func TestAnswered(t *testing.T) {
	for status, want := range map[int]struct {
		code    fault.Code
		nothing bool
	}{
		200: {fault.Unavailable, false}, 204: {fault.Unavailable, false}, 302: {fault.Unavailable, false},
		400: {fault.Rejected, true}, 401: {fault.Rejected, true}, 403: {fault.Rejected, true}, 404: {fault.Rejected, true},
		408: {fault.Unavailable, false}, 409: {fault.Rejected, true}, 422: {fault.Rejected, true}, 429: {fault.Throttled, true},
		500: {fault.Unavailable, false}, 502: {fault.Unavailable, false}, 503: {fault.Unavailable, false}, 504: {fault.Unavailable, false},
		520: {fault.Unavailable, false}, 599: {fault.Unavailable, false},
	} {
		f := provider.Answered("vendor", "DoIt", status, "E1", 7*time.Second)
		if f.Code != want.code || f.NothingHappened != want.nothing {
			t.Errorf("%d: code %s, nothing happened %t", status, f.Code, f.NothingHappened)
		}
		if f.Vendor != "vendor" || f.Operation != "DoIt" || f.Status != status || f.VendorCode != "E1" || f.RetryAfter != 7*time.Second || f.Err != nil {
			t.Errorf("%d: %+v", status, f)
		}
		if got := provider.NotFound(fmt.Errorf("x: %w", f)); got != (status == 404) {
			t.Errorf("%d: not found %t", status, got)
		}
	}
	if provider.NotFound(nil) || provider.NotFound(io.EOF) {
		t.Error("404 out of nothing")
	}
}

func TestForProject(t *testing.T) {
	for template, want := range map[string]string{
		provider.Production().SupabaseProject: "https://abcd.supabase.co",
		"https://{ref}.x/{ref}":               "https://abcd.x/abcd", "https://x": "https://x", "": "",
	} {
		if got := provider.ForProject(template, "abcd"); got != want {
			t.Errorf("%s gives %s", template, got)
		}
	}
}

// TestDatabasesAreReachedByTheirPoolers: a direct connection has IPv6 alone, transaction mode (6543) has no locks that last, and any
// sslmode but verify-full lets anybody answer.
func TestDatabasesAreReachedByTheirPoolers(t *testing.T) {
	for template, want := range map[string]string{
		provider.Production().SupabaseDatabase: "postgres://postgres.abcd@aws-1-eu.pooler.supabase.com:5432/postgres?sslmode=verify-full",
		"postgres://{user}@{host}:1/{ref}":     "postgres://postgres.abcd@aws-1-eu.pooler.supabase.com:1/abcd", "": "",
	} {
		if got := provider.ForDatabase(template, "abcd", "aws-1-eu.pooler.supabase.com", "postgres.abcd"); got != want {
			t.Errorf("%s gives %s", template, got)
		}
	}
}

func TestProductionIsTheRealWorld(t *testing.T) {
	e := provider.Production()
	for _, u := range []string{e.Supabase, e.SupabaseProject, e.Vercel, e.Cloudflare, e.Twilio, e.TwilioMessaging, e.SendGrid} {
		if !strings.HasPrefix(u, "https://") || strings.HasSuffix(u, "/") {
			t.Errorf("%q is no base URL", u)
		}
	}
	if e.Edge.Dial != nil || e.Edge.Roots != nil {
		t.Error("production does not reach instances by the system's own network")
	}
}
