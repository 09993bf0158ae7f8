package world_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/budget"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/sim"
)

// calling lists when the calls that count in a vendor's budget were made.
func (r *rig) calling(vendor string) (at []time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.calls {
		if c.Vendor == vendor && !strings.HasPrefix(c.Path, "/auth/") && !strings.HasPrefix(c.Path, "/rest/") && !strings.HasPrefix(c.Path, "/storage/") {
			at = append(at, c.Start)
		}
	}
	slices.SortFunc(at, time.Time.Compare)
	return at
}

// busiest is the most that happened within d.
func busiest(at []time.Time, d time.Duration) (most int) {
	for i, from := range at {
		n, _ := slices.BinarySearchFunc(at[i:], from.Add(d), time.Time.Compare)
		most = max(most, n)
	}
	return most
}

// wantUnthrottled judges that no vendor had to refuse a call for its rate limit.
func (r *rig) wantUnthrottled() {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	throttled := slices.IndexFunc(r.calls, func(c sim.Call) bool { return c.Status == http.StatusTooManyRequests })
	if throttled >= 0 {
		r.t.Errorf("a vendor was asked too often: %+v", r.calls[throttled])
	}
}

// TestBusiestProvisioning holds budget.Busiest, from which the number of slots is derived, against what provisionings of many
// latencies really ask.
func TestBusiestProvisioning(t *testing.T) {
	t.Parallel()
	most := map[string]int{}
	for seed := range uint64(12) {
		inBubble(t, func(o *world.Options) { o.Seed = seed; o.Latency.Answer = 100 * time.Millisecond }, func(r *rig) {
			r.wantActive(r.provision())
			for _, vendor := range fleet.Vendors() {
				if b, ok := budget.Limits(nil).Of(vendor); ok {
					most[vendor] = max(most[vendor], busiest(r.calling(vendor), b.Span()))
				}
			}
		})
	}
	for _, vendor := range fleet.Vendors() {
		if b, ok := budget.Limits(nil).Of(vendor); ok && (most[vendor] > b.Busiest || most[vendor] <= b.Busiest/2) {
			t.Errorf("%s: one provisioning makes %d calls within %s, which the budget takes for %d", vendor, most[vendor], b.Span(), b.Busiest)
		}
	}
	t.Logf("so many at once: %d", budget.Limits(nil).Slots(fleet.Vendors(), 0))
}
