package provider_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

// slow is a transport whose answer and whose body's end come late; both end with the request's context.
type slow struct {
	answer, body time.Duration
	sent         int
	closed       int
	fails        error
}

func (s *slow) RoundTrip(req *http.Request) (*http.Response, error) {
	s.sent++
	if s.fails != nil {
		return nil, s.fails
	}
	if err := clock.System().Sleep(req.Context(), s.answer); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Body: &slowBody{ctx: req.Context(), slow: s}}, nil
}

type slowBody struct {
	ctx  context.Context
	slow *slow
}

func (b *slowBody) Read([]byte) (int, error) {
	if err := clock.System().Sleep(b.ctx, b.slow.body); err != nil {
		return 0, err
	}
	return 0, io.EOF
}

func (b *slowBody) Close() error { b.slow.closed++; return nil }

func send(t *testing.T, ctx context.Context, s *slow, method string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, "https://api.vendor.test/things", nil)
	if err != nil {
		t.Fatal(err)
	}
	return provider.Guard(clock.System(), s).RoundTrip(req)
}

func TestGuardRefusesWritesWithoutAttempt(t *testing.T) {
	for method, reads := range map[string]bool{"GET": true, "HEAD": true, "POST": false, "PUT": false, "PATCH": false, "DELETE": false,
		"OPTIONS": false, "get": false} {
		for name, test := range map[string]struct {
			mark func(context.Context) context.Context
			sent bool
		}{
			"plain":     {func(ctx context.Context) context.Context { return ctx }, reads},
			"attempt":   {provider.WithAttempt, true},
			"read-only": {provider.ReadOnly, true},
		} {
			t.Run(method+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &slow{}
					answer, err := send(t, test.mark(t.Context()), s, method)
					if test.sent != (s.sent == 1) || test.sent != (err == nil) || !test.sent && !errors.Is(err, provider.ErrNoAttempt) {
						t.Fatalf("sent %d times, error %v", s.sent, err)
					}
					if err == nil {
						_ = answer.Body.Close()
					}
				})
			})
		}
	}
}

// TestGuardRefusesLateWrites: a change is sent only while its longest call fits into the invocation; a read at any time.
func TestGuardRefusesLateWrites(t *testing.T) {
	for _, test := range []struct {
		method string
		left   time.Duration
		sent   bool
	}{
		{"POST", bounds.Call, true}, {"POST", bounds.Call - 1, false}, {"DELETE", time.Second, false}, {"PUT", bounds.Lambda, true},
		{"GET", time.Second, true}, {"HEAD", 1, true},
	} {
		for name, limit := range map[string]func(context.Context, time.Duration) (context.Context, context.CancelFunc){
			"clock": clock.System().WithTimeout, "package context": context.WithTimeout,
		} {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := limit(provider.WithAttempt(t.Context()), test.left)
				defer cancel()
				s := &slow{}
				answer, err := send(t, ctx, s, test.method)
				if test.sent != (s.sent == 1) || test.sent != (err == nil) || !test.sent && !errors.Is(err, provider.ErrTooLate) {
					t.Errorf("%s with %s left (%s): sent %d times, error %v", test.method, test.left, name, s.sent, err)
				}
				if err == nil {
					_ = answer.Body.Close()
				}
			})
		}
	}
}

// TestGuardGoesByItsOwnClock: how much time is left is told by the clock that set the deadline.
func TestGuardGoesByItsOwnClock(t *testing.T) {
	for _, by := range []time.Duration{bounds.Skew, -bounds.Skew} {
		synctest.Test(t, func(t *testing.T) {
			off := clock.Skewed(clock.System(), by)
			for left, sent := range map[time.Duration]int{bounds.Call: 1, bounds.Call - 1: 0} {
				ctx, cancel := off.WithTimeout(provider.WithAttempt(t.Context()), left)
				defer cancel()
				s := &slow{fails: io.EOF}
				req, err := http.NewRequestWithContext(ctx, "POST", "https://api.vendor.test/", nil)
				if err != nil {
					t.Fatal(err)
				}
				_, err = provider.Guard(off, s).RoundTrip(req)
				if s.sent != sent || err == nil {
					t.Errorf("off by %s with %s left: sent %d times", by, left, s.sent)
				}
			}
		})
	}
}

func TestGuardBoundsACall(t *testing.T) {
	for _, test := range []struct {
		name         string
		answer, body time.Duration
		outer        time.Duration // the invocation's own limit, 0 for none
		want         time.Duration // when it breaks off, 0 if it doesn't
	}{
		{"quick", time.Second, time.Second, 0, 0},
		{"just in time", bounds.Call - 2, 1, 0, 0},
		{"late answer", bounds.Call + 1, 0, 0, bounds.Call},
		{"late body", time.Second, bounds.Call, 0, bounds.Call},
		{"never", 1000 * time.Hour, 0, 0, bounds.Call},
		{"the invocation ends first", time.Hour, 0, 3 * time.Second, 3 * time.Second},
		{"it ends in the body", 0, time.Hour, 3 * time.Second, 3 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, start := t.Context(), time.Now()
				if test.outer > 0 {
					var cancel context.CancelFunc
					ctx, cancel = clock.System().WithTimeout(ctx, test.outer)
					defer cancel()
				}
				s := &slow{answer: test.answer, body: test.body}
				answer, err := send(t, ctx, s, "GET")
				if err == nil {
					_, err = io.ReadAll(answer.Body)
					_ = answer.Body.Close()
				}
				took := time.Since(start)
				if test.want == 0 && err != nil || test.want > 0 && (!errors.Is(err, context.DeadlineExceeded) || took != test.want) {
					t.Errorf("%v after %s, want the end after %s", err, took, test.want)
				}
			})
		})
	}
}

// TestGuardLetsGo: neither a closed body nor a failed call leaves a timer behind, and a body is closed once.
func TestGuardLetsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{}
		answer, err := send(t, t.Context(), s, "GET")
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil || s.closed != 1 {
			t.Errorf("closed %d times, %v", s.closed, err)
		}
		if _, err := answer.Body.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
			t.Errorf("the call goes on after its body was closed: %v", err)
		}
		s.fails = io.ErrUnexpectedEOF
		if _, err := send(t, t.Context(), s, "GET"); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error(err)
		}
	})
}

type closeCounter struct {
	io.Reader
	closed int
}

func (c *closeCounter) Close() error { c.closed++; return nil }

// TestGuardClosesWhatItKeepsBack: a RoundTripper closes the request's body, sent or not.
func TestGuardClosesWhatItKeepsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late, cancel := clock.System().WithTimeout(provider.WithAttempt(t.Context()), time.Second)
		defer cancel()
		for _, ctx := range []context.Context{t.Context(), late} {
			body := &closeCounter{Reader: strings.NewReader("{}")}
			req, err := http.NewRequestWithContext(ctx, "POST", "https://api.vendor.test/", body)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := provider.Guard(clock.System(), &slow{}).RoundTrip(req); err == nil || body.closed != 1 {
				t.Errorf("closed %d times, %v", body.closed, err)
			}
		}
	})
}
