//go:build faults

package faults_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/step/bounds"
)

// TestVendorDownForADay has each vendor answer nothing but errors from the beginning of a take-down on, for a day: it ends dirty
// with its incident, what the others hold is gone unless DNS points at it, and a retry when the vendor is back ends clean.
func TestVendorDownForADay(t *testing.T) {
	b := newBase(t)
	kinds := b.record(t, "provision", "A", nil).kinds
	for _, vendor := range fleet.Vendors() {
		t.Run(vendor, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				r, err := open(t.Context(), dir, b, late())
				if err != nil {
					t.Fatal(err)
				}
				defer r.close()
				r.outage = vendor
				id, err := r.provision("acme-dental")
				if err == nil {
					err = r.w.Settle(r.ctx)
				}
				if err != nil {
					t.Fatal(err)
				}
				r.throughTheDay(t, id)
				r.retried = false
				if err := r.finish(id); err != nil {
					t.Fatal(err)
				}
				if v := r.judge(id, kinds); v.Outcome != "R" || len(v.Violations) > 0 {
					t.Errorf("%+v", v)
				}
			})
		})
	}
}

// throughTheDay judges that the operation is dirty, with its incident, and stays so while the vendor is down.
func (r *run) throughTheDay(t *testing.T, id string) {
	t.Helper()
	for time.Now().Before(r.until.Add(bounds.RecheckSoon)) {
		time.Sleep(15 * time.Minute)
		if _, err := r.w.Invoke(r.ctx, "reconcile", json.RawMessage("{}")); err != nil {
			t.Fatal(err)
		}
		if err := r.w.Settle(r.ctx); err != nil {
			t.Fatal(err)
		}
	}
	o, err := r.w.Store.Operation(r.ctx, id, "op-"+id)
	if err != nil || o.Outcome != fleet.FailedDirty {
		t.Fatalf("%+v, %v", o, err)
	}
	i, err := r.w.Store.Instance(r.ctx, id)
	if err != nil || i.State != fleet.Provisioning || i.Progress.Reason == "" || i.Progress.NextAction == "" {
		t.Errorf("%+v, %v", i, err)
	}
	incident, err := r.w.Store.Incident(r.ctx, id, o.Execution())
	if err != nil || incident == nil || incident.Code != fleet.IncidentFailedDirty || incident.NextAction == "" {
		t.Errorf("incident: %+v, %v", incident, err)
	}
	left, err := r.w.Store.Resources(r.ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		pointedAt := r.outage == "cloudflare" && (e.Kind.Vendor() == "vercel" || e.Kind.Vendor() == "sendgrid") // DNS goes before its targets
		if left := e.Kind.Vendor() == r.outage || pointedAt; left == e.Gone() {
			t.Errorf("in %s's outage %s is %s", r.outage, e.Kind, e.Status)
		}
	}
}

// begun notes that a take-down begins: a vendor may go down with it.
func (r *run) begun(p world.Point) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.Function == "begin-teardown" && r.until.IsZero() {
		r.until = time.Now().Add(24 * time.Hour)
	}
}

// reach lets no request come to the vendor that is down.
func (r *run) reach(next http.RoundTripper) http.RoundTripper {
	r.mu.Lock()
	r.direct = next
	r.mu.Unlock()
	return transport(func(q *http.Request) (*http.Response, error) {
		r.mu.Lock()
		down := r.outage != "" && strings.HasSuffix(q.URL.Host, r.outage+".test") && time.Now().Before(r.until)
		r.mu.Unlock()
		if !down {
			return next.RoundTrip(q)
		}
		return &http.Response{StatusCode: http.StatusServiceUnavailable, Header: http.Header{"Content-Type": {"text/html"}},
			Body: io.NopCloser(strings.NewReader("<html>down</html>")), Request: q}, nil
	})
}

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(q *http.Request) (*http.Response, error) { return t(q) }
