package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
)

// Link is the network between Fleet and the simulators: an http.RoundTripper that knows the vendor of each host, lets
// the calls go wrong that the script says, and records all of them. A request, once sent, takes effect whether its
// caller lives or not.
type Link struct {
	Clock  clock.Clock
	Script *Script
	// Observe, if set, is called when a call has been answered or given up by its caller.
	Observe func(ctx context.Context, c Call)
	// Settled, if set, is called when a call that isn't a read has taken effect, for keeping state.
	Settled func(v Vendor)

	mu      sync.Mutex
	vendors map[string]destination // by host
	flying  Flights
}

// Call is one call as the link saw it.
type Call struct {
	Vendor, Operation string
	Method, Path      string
	Start, End        time.Time
	Status            int // 0 without an answer
	Fault             Kind
}

type destination struct {
	vendor Vendor
	// over reaches the vendor over HTTP; nil means in-process.
	over http.RoundTripper
}

// Add connects the host of baseURL to v, in-process if over is nil. One vendor may have several hosts.
func (l *Link) Add(baseURL string, v Vendor, over http.RoundTripper) error {
	u, err := url.Parse(baseURL)
	if err != nil || u.Host == "" {
		return fmt.Errorf("%q is no base URL", baseURL)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.vendors == nil {
		l.vendors = map[string]destination{}
	}
	l.vendors[u.Host] = destination{v, over}
	return nil
}

// find gives the vendor of a host; a host "x.y.z" is also found as "*.y.z".
func (l *Link) find(host string) (destination, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, ok := l.vendors[host]
	if !ok {
		if i := bytes.IndexByte([]byte(host), '.'); i > 0 {
			d, ok = l.vendors["*"+host[i:]]
		}
	}
	return d, ok
}

// Drain waits until every request that was sent has taken effect.
func (l *Link) Drain() { l.flying.Wait() }

var errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}

func (l *Link) RoundTrip(req *http.Request) (*http.Response, error) {
	d, ok := l.find(req.URL.Host)
	if !ok {
		return nil, fmt.Errorf("no simulator for host %q", req.URL.Host)
	}
	call := Call{Vendor: d.vendor.Name(), Operation: d.vendor.Operation(req), Method: req.Method, Path: req.URL.Path, Start: l.Clock.Now()}
	rule, _ := l.Script.Next(call.Vendor, call.Operation)
	call.Fault = rule.Kind
	answer, err := l.send(req, d, rule)
	call.End = l.Clock.Now()
	if answer != nil {
		call.Status = answer.StatusCode
	}
	if l.Observe != nil {
		l.Observe(req.Context(), call)
	}
	return answer, err
}

func (l *Link) send(req *http.Request, d destination, rule Rule) (*http.Response, error) {
	ctx := req.Context()
	request, err := detached(req)
	if err != nil {
		return nil, err
	}
	switch rule.Kind {
	case Refused:
		return nil, errRefused
	case TooMany:
		return failed(req, d.vendor, http.StatusTooManyRequests, 0), nil
	case TooManyRetry:
		return failed(req, d.vendor, http.StatusTooManyRequests, rule.After), nil
	case Denied:
		return failed(req, d.vendor, http.StatusForbidden, 0), nil
	case ErrorBefore:
		return failed(req, d.vendor, http.StatusInternalServerError, 0), nil
	case Hang:
		<-ctx.Done()
		return nil, ctx.Err()
	case Delayed:
		l.flying.Go(func() {
			if l.Clock.Sleep(context.WithoutCancel(ctx), rule.After) == nil {
				_, _ = l.deliver(request, d)
			}
		})
		<-ctx.Done()
		return nil, ctx.Err()
	case Late:
		request.Header.Set(VisibleAfter, rule.After.String())
	}
	answer, err := l.await(ctx, request, d)
	switch {
	case err != nil:
		return nil, err
	case rule.Kind == Lost:
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	case rule.Kind == ErrorAfter:
		return failed(req, d.vendor, http.StatusInternalServerError, 0), nil
	}
	answer.Request = req
	return answer, nil
}

// await delivers a request and waits for its answer as long as ctx lives; the request goes on without it.
func (l *Link) await(ctx context.Context, req *http.Request, d destination) (*http.Response, error) {
	type result struct {
		answer *http.Response
		err    error
	}
	done := make(chan result, 1)
	l.flying.Go(func() {
		answer, err := l.deliver(req, d)
		done <- result{answer, err}
	})
	select {
	case r := <-done:
		return r.answer, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// deliver lets a request take effect and gives its whole answer.
func (l *Link) deliver(req *http.Request, d destination) (*http.Response, error) {
	var answer *http.Response
	if d.over == nil {
		w := httptest.NewRecorder()
		d.vendor.ServeHTTP(w, req)
		answer = w.Result()
	} else {
		a, err := d.over.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(a.Body)
		_ = a.Body.Close()
		if err != nil {
			return nil, err
		}
		a.Body = io.NopCloser(bytes.NewReader(body))
		answer = a
	}
	if l.Settled != nil && req.Method != http.MethodGet && req.Method != http.MethodHead {
		l.Settled(d.vendor)
	}
	return answer, nil
}

// detached copies a request, its body read, so that it outlives its caller.
func detached(req *http.Request) (*http.Request, error) {
	var body []byte
	if req.Body != nil {
		var err error
		body, err = io.ReadAll(req.Body)
		if err = errors.Join(err, req.Body.Close()); err != nil {
			return nil, err
		}
	}
	out := req.Clone(context.WithoutCancel(req.Context()))
	out.Body = io.NopCloser(bytes.NewReader(body))
	out.ContentLength = int64(len(body))
	if out.Host == "" {
		out.Host = req.URL.Host
	}
	return out, nil
}

func failed(req *http.Request, v Vendor, status int, retryAfter time.Duration) *http.Response {
	w := httptest.NewRecorder()
	v.Fail(w, status, retryAfter)
	answer := w.Result()
	answer.Request = req
	return answer
}
