package cloudflare_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/cloudflare"
	"github.com/project-gimbal/fleet/internal/sim"
	simulated "github.com/project-gimbal/fleet/internal/sim/cloudflare"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

const (
	token = "test-cloudflare-token"
	zone  = "0123456789abcdef0123456789abcdef"
	host  = "acme.gimbal.app"
)

var cname = cloudflare.NewRecord{Type: "CNAME", Name: host, Content: "cname.vercel-dns.com", Comment: "owner=fleet customer=i1"}

func config(transport http.RoundTripper) provider.Config {
	return provider.Config{
		Endpoints:  provider.Production(),
		Clock:      clock.System(),
		Transport:  transport,
		Credential: func(context.Context, string) (provider.Secret, error) { return provider.NewSecret(token), nil },
		Settings:   provider.Settings{CloudflareZone: zone, Domain: "gimbal.app"},
	}
}

// world is a client before a simulated Cloudflare, inside a bubble.
type world struct {
	client *cloudflare.Client
	vendor *simulated.Sim
	link   *sim.Link
	calls  []sim.Call
}

// simulate runs a test in virtual time; script makes calls go wrong.
func simulate(t *testing.T, script string, o sim.Options, test func(t *testing.T, w *world)) {
	t.Helper()
	rules, err := sim.ParseRules(script)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		o.Clock = clock.System()
		w.vendor = simulated.New(o, simulated.Config{Token: token, Zone: zone, Domain: "gimbal.app"})
		w.link = &sim.Link{Clock: o.Clock, Script: sim.NewScript(rules...)}
		var mu sync.Mutex
		w.link.Observe = func(_ context.Context, c sim.Call) {
			mu.Lock()
			defer mu.Unlock()
			w.calls = append(w.calls, c)
		}
		if err := w.link.Add(provider.Production().Cloudflare, w.vendor, nil); err != nil {
			t.Fatal(err)
		}
		w.client = cloudflare.New(config(w.link))
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

func TestRecordsLife(t *testing.T) {
	simulate(t, "", sim.Options{Seed: 1, Answer: time.Second}, func(t *testing.T, w *world) {
		ctx := attempt(t)
		made := must[cloudflare.Record](t)(w.client.CreateRecord(ctx, cname))
		want := cloudflare.Record{ID: made.ID, Type: "CNAME", Name: host, Content: cname.Content, Comment: cname.Comment}
		if made != want {
			t.Errorf("made %+v, want %+v", made, want)
		}
		if err := w.client.SetProxied(ctx, made.ID, true); err != nil {
			t.Fatal(err)
		}
		want.Proxied = true
		found := must[[]cloudflare.Record](t)(w.client.FindRecords(t.Context(), "CNAME", strings.ToUpper(host)))
		if len(found) != 1 || found[0] != want {
			t.Errorf("found %+v, want %+v with the comment kept", found, want)
		}
		if other := must[[]cloudflare.Record](t)(w.client.FindRecords(t.Context(), "TXT", host)); len(other) != 0 {
			t.Errorf("found %v of another type", other)
		}
		for range 2 { // the second time it is gone already
			if err := w.client.DeleteRecord(ctx, made.ID); err != nil {
				t.Fatal(err)
			}
		}
		if left := w.vendor.Inventory(); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
		if err := w.client.SetProxied(ctx, made.ID, true); !provider.NotFound(err) {
			t.Errorf("proxying an absent record: %v, want one that is not found", err)
		}
	})
}

// TestFaults has each call go wrong in each way.
func TestFaults(t *testing.T) {
	ways := []struct {
		kind    string
		code    fault.Code
		nothing bool
		after   time.Duration
		effect  bool
	}{
		{kind: "refused", code: fault.Unavailable, nothing: true},
		{kind: "429", code: fault.Throttled, nothing: true},
		{kind: "429-retry:20s", code: fault.Throttled, nothing: true, after: 20 * time.Second},
		{kind: "403", code: fault.Rejected, nothing: true},
		{kind: "500-before", code: fault.Unavailable},
		{kind: "500-after", code: fault.Unavailable, effect: true},
		{kind: "lost", code: fault.Unavailable, effect: true},
		{kind: "hang", code: fault.Unavailable},
		{kind: "delayed", code: fault.Unavailable, effect: true},
	}
	calls := map[string]func(ctx context.Context, w *world, id string) error{
		"ListRecords": func(ctx context.Context, w *world, _ string) error {
			_, err := w.client.FindRecords(ctx, "", host)
			return err
		},
		"VerifyToken": func(ctx context.Context, w *world, _ string) error {
			_, err := w.client.VerifyToken(ctx)
			return err
		},
		"GetZone": func(ctx context.Context, w *world, _ string) error {
			_, err := w.client.Zone(ctx)
			return err
		},
		"GetRecord":    func(ctx context.Context, w *world, id string) error { return w.client.SetProxied(ctx, id, true) },
		"UpdateRecord": func(ctx context.Context, w *world, id string) error { return w.client.SetProxied(ctx, id, true) },
		"DeleteRecord": func(ctx context.Context, w *world, id string) error { return w.client.DeleteRecord(ctx, id) },
		"CreateRecord": func(ctx context.Context, w *world, _ string) error {
			_, err := w.client.CreateRecord(ctx, cloudflare.NewRecord{Type: "TXT", Name: "new." + host, Content: "x"})
			return err
		},
	}
	effects := map[string]func(w *world) bool{
		"CreateRecord": func(w *world) bool { return len(w.vendor.Inventory()) == 2 },
		"DeleteRecord": func(w *world) bool { return len(w.vendor.Inventory()) == 0 },
		"UpdateRecord": func(w *world) bool { return w.vendor.Inventory()[0].Status == "proxied" },
	}
	for operation, call := range calls {
		for _, way := range ways {
			t.Run(operation+" "+way.kind, func(t *testing.T) {
				n := 1
				if operation == "CreateRecord" {
					n = 2 // the first one sets the stage
				}
				script := fmt.Sprintf("cloudflare.%s=%s@%d", operation, way.kind, n)
				simulate(t, script, sim.Options{}, func(t *testing.T, w *world) {
					made := must[cloudflare.Record](t)(w.client.CreateRecord(attempt(t), cname))
					w.calls = nil
					start := time.Now()
					err := call(attempt(t), w, made.ID)
					assertFault(t, err, operation, way.code, way.nothing, way.after)
					if took := time.Since(start); took > bounds.Call {
						t.Errorf("took %v, more than a call may", took)
					}
					if sent := count(w.calls, operation); sent != 1 {
						t.Errorf("sent %d times, want once", sent)
					}
					w.link.Drain()
					if happened := effects[operation]; happened != nil && happened(w) != way.effect {
						t.Errorf("took effect: %v, want %v", !way.effect, way.effect)
					}
				})
			})
		}
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
	if f.Vendor != "cloudflare" || f.Operation != operation {
		t.Errorf("fault of %s.%s, want cloudflare.%s", f.Vendor, f.Operation, operation)
	}
	if f.Code != code || f.NothingHappened != nothing || f.RetryAfter != after {
		t.Errorf("%s, nothing happened %v, retry after %v; want %s, %v, %v",
			f.Code, f.NothingHappened, f.RetryAfter, code, nothing, after)
	}
	if strings.Contains(err.Error(), token) {
		t.Errorf("the error shows the token: %v", err)
	}
}

func TestNamesTaken(t *testing.T) {
	simulate(t, "", sim.Options{}, func(t *testing.T, w *world) {
		must[cloudflare.Record](t)(w.client.CreateRecord(attempt(t), cname))
		_, err := w.client.CreateRecord(attempt(t), cname)
		assertFault(t, err, "CreateRecord", fault.Conflict, true, 0)
		other := cname
		other.Content = "elsewhere.example.com."
		_, err = w.client.CreateRecord(attempt(t), other)
		assertFault(t, err, "CreateRecord", fault.Conflict, true, 0)
	})
}

func TestFindsAllPages(t *testing.T) {
	simulate(t, "", sim.Options{}, func(t *testing.T, w *world) {
		for i := range 230 {
			must[cloudflare.Record](t)(w.client.CreateRecord(attempt(t), cloudflare.NewRecord{
				Type: "TXT", Name: host, Content: fmt.Sprint("value ", i),
			}))
		}
		w.calls = nil
		if found := must[[]cloudflare.Record](t)(w.client.FindRecords(t.Context(), "", host)); len(found) != 230 {
			t.Errorf("found %d records, want 230", len(found))
		}
		if n := count(w.calls, "ListRecords"); n != 3 {
			t.Errorf("%d list calls, want 3", n)
		}
	})
}

func TestListsLag(t *testing.T) {
	simulate(t, "cloudflare.CreateRecord=late:30s", sim.Options{}, func(t *testing.T, w *world) {
		made := must[cloudflare.Record](t)(w.client.CreateRecord(attempt(t), cname))
		if found := must[[]cloudflare.Record](t)(w.client.FindRecords(t.Context(), "", host)); len(found) != 0 {
			t.Errorf("the list shows %v at once", found)
		}
		if target, _, ok := w.vendor.LookupCNAME(host); !ok || target != cname.Content {
			t.Errorf("the record resolves to %q, %v; records resolve at once", target, ok)
		}
		time.Sleep(30 * time.Second)
		if found := must[[]cloudflare.Record](t)(w.client.FindRecords(t.Context(), "", host)); len(found) != 1 || found[0] != made {
			t.Errorf("found %v, want %v", found, made)
		}
	})
}

func TestChangesNeedAnAttempt(t *testing.T) {
	simulate(t, "", sim.Options{}, func(t *testing.T, w *world) {
		_, err := w.client.CreateRecord(t.Context(), cname)
		assertFault(t, err, "CreateRecord", fault.Internal, true, 0)
		made := must[cloudflare.Record](t)(w.client.CreateRecord(attempt(t), cname))
		assertFault(t, w.client.SetProxied(t.Context(), made.ID, true), "UpdateRecord", fault.Internal, true, 0)
		assertFault(t, w.client.Point(t.Context(), made.ID, page, true), "UpdateRecord", fault.Internal, true, 0)
		assertFault(t, w.client.DeleteRecord(t.Context(), made.ID), "DeleteRecord", fault.Internal, true, 0)

		short, cancel := clock.System().WithTimeout(attempt(t), bounds.Call-time.Second)
		defer cancel()
		assertFault(t, w.client.DeleteRecord(short, made.ID), "DeleteRecord", fault.NotReady, true, 0)
		if left := w.vendor.Inventory(); len(left) != 1 || left[0].Status != "unproxied" {
			t.Errorf("the zone holds %v, want the one record unchanged", left)
		}
	})
}

func TestKeepsBackWhatIsMeantOtherwise(t *testing.T) {
	transport := answers(func(*http.Request) (int, string) {
		t.Error("a request was sent")
		return 500, ""
	})
	client := cloudflare.New(config(transport))
	outside := cname
	outside.Name = "acme.example.com"
	_, err := client.CreateRecord(attempt(t), outside)
	assertFault(t, err, "CreateRecord", fault.Internal, true, 0)
	for _, id := range []string{"", "..", "../../user/tokens", "a/b", "a?b", strings.Repeat("a", 33)} {
		assertFault(t, client.DeleteRecord(attempt(t), id), "DeleteRecord", fault.Internal, true, 0)
		assertFault(t, client.SetProxied(attempt(t), id, true), "GetRecord", fault.Internal, true, 0)
		assertFault(t, client.Point(attempt(t), id, page, true), "GetRecord", fault.Internal, true, 0)
	}
}
