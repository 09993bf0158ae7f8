package world_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
)

// paged is what Vercel is asked for its lists of projects, and how slowly it answers.
type paged struct {
	takes   atomic.Int64 // each GET, a time.Duration
	refuses atomic.Bool  // a page that isn't the first, for good

	mu    sync.Mutex
	pages []string // by their cursors
}

func (p *paged) watch(o *world.Options) {
	o.Hooks.Transport = func(next http.RoundTripper) http.RoundTripper {
		return transport(func(q *http.Request) (*http.Response, error) {
			if !strings.Contains(q.URL.Host, "vercel") || q.Method != http.MethodGet {
				return next.RoundTrip(q)
			}
			if err := clock.System().Sleep(q.Context(), time.Duration(p.takes.Load())); err != nil {
				return nil, err
			}
			if strings.HasSuffix(q.URL.Path, "/v10/projects") && q.URL.Query().Get("search") == "gimbal-" {
				if from := q.URL.Query().Get("from"); p.asked(from) && p.refuses.Load() {
					return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/json"}}, Request: q,
						Body: io.NopCloser(strings.NewReader(`{"error":{"code":"bad_request","message":"the cursor is unknown"}}`))}, nil
				}
			}
			return next.RoundTrip(q)
		})
	}
}

// asked notes that a page is read, and reports whether it isn't the first.
func (p *paged) asked(from string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pages = append(p.pages, from)
	return from != ""
}

// taken are the pages that were read since it was asked the last time.
func (p *paged) taken() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	pages := p.pages
	p.pages = nil
	return pages
}

// strangers plants so many projects of instances that never were.
func (c *census) strangers(n int) {
	for i := range n {
		id := fmt.Sprintf("11111111-2222-3333-4444-%012d", i)
		c.plant(id, fleet.VercelProject, fleet.ResourceName(id))
	}
	time.Sleep(5 * time.Minute)
}

// TestComparisonGoesOnByItsCursor: where a list takes longer than an invocation has, that ends in time, and the next one goes on behind the
// last page that was read whole; the other vendors are compared meanwhile.
func TestComparisonGoesOnByItsCursor(t *testing.T) {
	t.Parallel()
	var p paged
	inCensus(t, p.watch, func(c *census) {
		id := c.live()
		c.strangers(64) // four pages of 20, with the instance's own
		c.due()
		p.taken()
		p.takes.Store(int64(9 * time.Second)) // a page takes over two minutes, and its strangers some more
		rounds := 0
		for ; rounds < 10 && !c.compared(); rounds++ {
			began := time.Now()
			c.invoke("compare")
			if took := time.Since(began); took > 14*time.Minute {
				t.Errorf("an invocation took %s", took)
			}
			s, err := c.w.Store.Sweep(c.ctx, "vercel")
			if err != nil || rounds == 0 && (s.Listed || s.Cursor == "" || s.Pages == 0) {
				t.Fatalf("%+v, %v", s, err)
			}
			for _, vendor := range fleet.Vendors() {
				if s, err := c.w.Store.Sweep(c.ctx, vendor); err != nil || vendor != "vercel" && s.Due(time.Now()) {
					t.Errorf("%s waits for Vercel: %+v, %v", vendor, s, err)
				}
			}
			time.Sleep(time.Hour)
		}
		pages := p.taken()
		seen := map[string]bool{}
		for _, from := range pages {
			seen[from] = true
		}
		if rounds < 2 || len(seen) != 4 || len(pages) >= 4+rounds || slices.Index(pages[1:], "") >= 0 {
			t.Errorf("%d invocations read the pages %q", rounds, pages)
		}
		c.wantTold(id, "", 0)
		c.wantTold(fleet.FleetID, fleet.IncidentOrphan, 21)
	})
}

// TestComparisonBeginsAnew: a round whose cursor the vendor takes no more begins at its first page again, and tells nothing of what the
// ledgers have before it is through.
func TestComparisonBeginsAnew(t *testing.T) {
	t.Parallel()
	var p paged
	inCensus(t, p.watch, func(c *census) {
		id := c.live()
		c.strangers(25)
		c.due()
		p.taken()
		p.refuses.Store(true)
		if _, err := c.w.Invoke(c.ctx, "compare", []byte("{}")); err == nil {
			t.Error("nobody is told that the cursor was refused")
		}
		if s, err := c.w.Store.Sweep(c.ctx, "vercel"); err != nil || s.Cursor != "" || s.Pages != 0 || s.Listed || !s.Due(time.Now()) {
			t.Errorf("%+v, %v", s, err)
		}
		c.wantTold(id, "", 0)
		p.refuses.Store(false)
		time.Sleep(time.Hour)
		c.invoke("compare")
		if pages := p.taken(); len(pages) != 4 || pages[0] != "" || pages[1] == "" || pages[2] != "" || pages[3] != pages[1] || !c.compared() {
			t.Errorf("the pages %q were read", pages)
		}
		c.wantTold(id, "", 0)
	})
}
