package step_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/step"
)

const (
	ourKind = fleet.VercelProject
	ourName = "gimbal-1"
	ourMark = "owner=fleet"
)

// item is a resource at the vendor. Names need not be unique, ids are never used again.
type item struct {
	ID, Mark, Secret string
	Made             time.Time
	Name             string    `json:"-"`
	Gone             time.Time `json:"-"`
}

// fate is what becomes of one call. The zero value is an honest answer at once.
type fate struct {
	Status int           // the answer's, 0 for success
	Before time.Duration // latency until the effect
	After  time.Duration // latency from the effect to the answer
	Lost   bool          // no answer ever comes
	NoOp   bool          // the effect never comes
	// Late: the effect comes this long after the call was sent, whatever becomes of its sender.
	Late    time.Duration
	Refused bool    // the connection is refused
	During  func()  // runs when the call has arrived
	List    []*item // what a find shows instead of the truth
}

// Fates.
var (
	throttled   = fate{Status: 429, NoOp: true}
	rejected    = fate{Status: 403, NoOp: true}
	nameTaken   = fate{Status: 409, NoOp: true}
	failed      = fate{Status: 500, NoOp: true}
	failedAfter = fate{Status: 502}
	refused     = fate{Refused: true}
	lost        = fate{Lost: true}
	vanished    = fate{Lost: true, NoOp: true}
)

func late(d time.Duration) fate { return fate{Lost: true, Late: d} }

// call is one that arrived: "find", "create" or "delete <id>".
type call struct {
	What string
	At   time.Time
}

// vendor is a small vendor with an HTTP API whose every call can go wrong, by script or as choose says.
type vendor struct {
	clock  clock.Clock
	choose func(sender context.Context, what string) fate
	// lag gives how far behind the truth a list is about the item of an id.
	lag func(id string) time.Duration
	// deleting, if set, is told of each item right before it goes.
	deleting func(id string)

	mu     sync.Mutex
	items  []*item
	script map[string][]fate // by the first word of a call
	calls  []call
	late   sync.WaitGroup
}

// next scripts what becomes of the next calls of a sort.
func (v *vendor) next(what string, fates ...fate) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.script[what] = append(v.script[what], fates...)
}

// has puts an item there, as if it had always been, and gives its id.
func (v *vendor) has(mark string, made time.Time) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.add(mark, made)
}

func (v *vendor) add(mark string, made time.Time) string {
	id := fmt.Sprintf("id-%d", len(v.items)+1)
	v.items = append(v.items, &item{ID: id, Name: ourName, Mark: mark, Made: made, Secret: "secret of " + id})
	return id
}

// live lists the ids of what is there.
func (v *vendor) live() (ids []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, i := range v.items {
		if i.Gone.IsZero() {
			ids = append(ids, i.ID)
		}
	}
	return ids
}

// sent gives the calls of a sort.
func (v *vendor) sent(what string) (calls []call) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range v.calls {
		if c.What == what || strings.HasPrefix(c.What, what+" ") {
			calls = append(calls, c)
		}
	}
	return calls
}

// RoundTrip answers one call: GET lists, POST creates, DELETE deletes.
func (v *vendor) RoundTrip(r *http.Request) (*http.Response, error) {
	what := map[string]string{"GET": "find", "POST": "create", "DELETE": "delete " + r.URL.Path[1:]}[r.Method]
	f := v.arrive(r.Context(), what)
	if f.Refused {
		return nil, syscall.ECONNREFUSED
	}
	if f.During != nil {
		f.During()
	}
	if f.Late > 0 {
		sender := context.WithoutCancel(r.Context())
		v.late.Go(func() {
			_ = v.clock.Sleep(sender, f.Late) // nothing cancels it
			v.effect(r)
		})
		f.NoOp = true
	}
	// An effect comes about even where its sender dies while waiting for it.
	_ = v.clock.Sleep(context.WithoutCancel(r.Context()), f.Before)
	var body any
	if !f.NoOp {
		body = v.effect(r)
	}
	if f.List != nil {
		body = f.List
	}
	if f.Lost {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if err := v.clock.Sleep(r.Context(), f.After); err != nil {
		return nil, err
	}
	return answer(f, body)
}

func answer(f fate, body any) (*http.Response, error) {
	status := cmp.Or(f.Status, http.StatusOK)
	if body == nil && status == http.StatusOK {
		status = http.StatusNotFound
	}
	if status != http.StatusOK {
		body = "no"
	}
	text, err := json.Marshal(body)
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(string(text)))}, err
}

func (v *vendor) arrive(sender context.Context, what string) fate {
	v.mu.Lock()
	v.calls = append(v.calls, call{what, v.clock.Now()})
	sort, _, _ := strings.Cut(what, " ")
	if fates := v.script[sort]; len(fates) > 0 {
		v.script[sort] = fates[1:]
		v.mu.Unlock()
		return fates[0]
	}
	v.mu.Unlock()
	if v.choose == nil {
		return fate{}
	}
	return v.choose(sender, sort)
}

// effect does what a call asks for and gives the answer's body, nil for a 404.
func (v *vendor) effect(r *http.Request) any {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.clock.Now()
	switch r.Method {
	case http.MethodPost:
		v.add(ourMark, now)
		return v.items[len(v.items)-1]
	case http.MethodDelete:
		for _, i := range v.items {
			if "/"+i.ID == r.URL.Path && i.Gone.IsZero() {
				if v.deleting != nil {
					v.deleting(i.ID)
				}
				i.Gone = now
				return "gone"
			}
		}
		return nil
	}
	seen := []*item{}
	for _, i := range v.items {
		then := now
		if v.lag != nil {
			then = now.Add(-v.lag(i.ID))
		}
		if "/"+i.Name == r.URL.Path && !i.Made.After(then) && (i.Gone.IsZero() || i.Gone.After(then)) {
			seen = append(seen, i)
		}
	}
	return seen
}

// client speaks to the vendor as the real ones do: through provider.Guard, with provider's translation of failures.
type client struct{ transport http.RoundTripper }

func (c client) do(ctx context.Context, operation, method, path string, into any) error {
	r, err := http.NewRequestWithContext(ctx, method, "https://vendor.test/"+url.PathEscape(path), nil)
	if err != nil {
		return err
	}
	a, err := c.transport.RoundTrip(r)
	if err != nil {
		return provider.Failed("vendor", operation, err)
	}
	defer func() { _ = a.Body.Close() }() // it was read
	text, err := io.ReadAll(a.Body)
	if err != nil {
		return provider.Failed("vendor", operation, err)
	}
	if a.StatusCode != http.StatusOK {
		f := provider.Answered("vendor", operation, a.StatusCode, "", 0)
		if a.StatusCode == http.StatusConflict {
			f.Code = fault.Conflict
		}
		return f
	}
	return json.Unmarshal(text, into)
}

func found(i item) step.Found {
	return step.Found{ID: i.ID, Mark: i.Mark, Created: i.Made, Attributes: map[string]string{"url": "https://" + i.ID},
		Secrets: map[string]provider.Secret{"key": provider.NewSecret(i.Secret)}}
}

// resource is the vendor's, as a step describes it.
func (c client) resource() step.Resource {
	return step.Resource{Kind: ourKind, Name: ourName, Mark: ourMark,
		Find: func(ctx context.Context, name string) ([]step.Found, error) {
			var items []item
			err := c.do(ctx, "Find", http.MethodGet, name, &items)
			all := make([]step.Found, 0, len(items))
			for _, i := range items {
				all = append(all, found(i))
			}
			return all, err
		},
		Create: func(ctx context.Context, name string) (step.Found, error) {
			var i item
			err := c.do(ctx, "Create", http.MethodPost, name, &i)
			return found(i), err
		},
		Delete: func(ctx context.Context, id string) error {
			var gone string
			err := c.do(ctx, "Delete", http.MethodDelete, id, &gone)
			if provider.NotFound(err) {
				return nil
			}
			return err
		},
	}
}

// unsureConflict is a create that is told of a conflict which doesn't prove that nothing happened.
func unsureConflict(context.Context, string) (step.Found, error) {
	return step.Found{}, fault.New(fault.Conflict, "the name is taken")
}

// TestTheFakeVendorMindsItsPermit shows that the tests here would notice a change that is sent outside an attempt.
func TestTheFakeVendorMindsItsPermit(t *testing.T) {
	inBubble(t, func(r *rig) {
		_, err := r.begin(life{}).resource.Create(r.ctx, ourName)
		if !errors.Is(err, provider.ErrNoAttempt) {
			t.Errorf("a create outside an attempt gave %v", err)
		}
		r.wantLive()
	})
}
