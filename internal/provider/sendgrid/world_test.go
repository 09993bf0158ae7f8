package sendgrid_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/sendgrid"
	"github.com/project-gimbal/fleet/internal/sim"
	simulated "github.com/project-gimbal/fleet/internal/sim/sendgrid"
)

const (
	parentKey = "SG.test-parent.key"
	password  = "Correct-Horse-Battery-7"
	subuser   = "gf-i1"
	host      = "acme.gimbal.app"
)

var newSubuser = sendgrid.NewSubuser{Username: subuser, Email: "i1@gimbal.app", Password: provider.NewSecret(password)}

func config(transport http.RoundTripper) provider.Config {
	return provider.Config{
		Endpoints:  provider.Production(),
		Clock:      clock.System(),
		Transport:  transport,
		Credential: func(context.Context, string) (provider.Secret, error) { return provider.NewSecret(parentKey), nil },
		Settings:   provider.Settings{SendGridIPs: []string{"192.0.2.1"}},
	}
}

// world is a client before a simulated SendGrid, inside a bubble.
type world struct {
	client *sendgrid.Client
	vendor *simulated.Sim
	link   *sim.Link
	dns    *zone
	calls  []sim.Call
}

// zone is a public DNS in a map.
type zone struct {
	mu      sync.Mutex
	targets map[string]string
	proxied bool
}

func (z *zone) LookupCNAME(host string) (string, bool, bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	target, ok := z.targets[host]
	return target, z.proxied, ok
}

func (z *zone) publish(proxied bool, records ...sendgrid.DNSRecord) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.targets, z.proxied = map[string]string{}, proxied
	for _, r := range records {
		z.targets[r.Host] = r.Data
	}
}

// simulate runs a test in virtual time; script makes calls go wrong.
func simulate(t *testing.T, script string, o sim.Options, test func(t *testing.T, w *world)) {
	t.Helper()
	rules, err := sim.ParseRules(script)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := &world{dns: &zone{}}
		o.Clock = clock.System()
		w.vendor = simulated.New(o, simulated.Config{
			Key: parentKey, IPs: []string{"192.0.2.1", "192.0.2.2"}, Foreign: []string{"Strangers"}, Subusers: 2,
			Senders: []string{"fleet@gimbal.app"}, DNS: w.dns,
		})
		w.link = &sim.Link{Clock: o.Clock, Script: sim.NewScript(rules...)}
		w.link.Observe = func(_ context.Context, c sim.Call) { w.calls = append(w.calls, c) }
		if err := w.link.Add(provider.Production().SendGrid, w.vendor, nil); err != nil {
			t.Fatal(err)
		}
		w.client = sendgrid.New(config(w.link))
		test(t, w)
		w.link.Drain()
	})
}

func attempt(t *testing.T) context.Context { return provider.WithAttempt(t.Context()) }

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func count(calls []sim.Call, operation string) int {
	n := 0
	for _, c := range calls {
		if c.Operation == operation {
			n++
		}
	}
	return n
}

func assertFault(t *testing.T, err error, operation string, code fault.Code, nothing bool, after time.Duration) {
	t.Helper()
	f, ok := err.(*fault.Error)
	if !ok {
		t.Fatalf("%T %v, want a *fault.Error", err, err)
	}
	if f.Vendor != "sendgrid" || f.Operation != operation {
		t.Errorf("fault of %s.%s, want sendgrid.%s", f.Vendor, f.Operation, operation)
	}
	if f.Code != code || f.NothingHappened != nothing || f.RetryAfter != after {
		t.Errorf("%s, nothing happened %v, retry after %v; want %s, %v, %v",
			f.Code, f.NothingHappened, f.RetryAfter, code, nothing, after)
	}
	for _, secret := range []string{parentKey, password, "vendor's words"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows %q: %v", secret, err)
		}
	}
}

// answers is a vendor that answers what the function says, as JSON.
type answers func(r *http.Request) (status int, body string)

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := a(r)
	header := http.Header{"Content-Type": {"application/json"}}
	if status/100 == 3 {
		header.Set("Location", "https://elsewhere.example.com/")
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// always is a client whose vendor answers that and nothing else.
func always(status int, body string) *sendgrid.Client {
	return sendgrid.New(config(answers(func(*http.Request) (int, string) { return status, body })))
}
