package world_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// underWay reports whether a webhook was told that its first delivery isn't answered yet.
func underWay(status int, answer map[string]any) bool {
	return status == http.StatusConflict && strings.Contains(fmt.Sprint(answer["detail"]), "still being worked on")
}

// kept is a table that remembers every key that was ever written, so that all it holds can be read.
type kept struct {
	table.Table
	mu     sync.Mutex
	keys   map[table.Key]bool
	writes int
}

func keep(t *table.Table) *kept {
	k := &kept{Table: *t, keys: map[table.Key]bool{}}
	*t = k
	return k
}

func (k *kept) Write(ctx context.Context, writes []table.Write) error {
	k.mu.Lock()
	k.writes++
	for _, w := range writes {
		k.keys[w.Item.Key] = true
	}
	k.mu.Unlock()
	return k.Table.Write(ctx, writes)
}

// all is what the table holds now, by partition and sort key, with the body.
func (k *kept) all(ctx context.Context) map[string]string {
	k.mu.Lock()
	keys := maps.Clone(k.keys)
	k.mu.Unlock()
	held := map[string]string{}
	for key := range keys {
		item, err := k.Get(ctx, key, true)
		if err == nil {
			held[key.Partition+" "+key.Sort] = string(item.Body)
		} else if !errors.Is(err, table.ErrNotFound) {
			panic(err)
		}
	}
	return held
}

// withTables is inBubble with the fleet's table and that of the data keys at hand.
func withTables(t *testing.T, change func(*world.Options), test func(r *rig, fleet, keys *kept)) {
	t.Helper()
	var records, keys *kept
	inBubble(t, func(o *world.Options) {
		if change != nil {
			change(o)
		}
		records, keys = keep(&o.Table), keep(&o.Keys)
	}, func(r *rig) { test(r, records, keys) })
}

// wantOneSignup judges that there is one signup, with its records, the question to the operators, and one data key, and nothing else.
func (r *rig) wantOneSignup(id, slug string, records, keys *kept) {
	r.t.Helper()
	want := map[string]bool{"slug#" + slug + " claim": true}
	for _, sort := range []string{"signup", "delivery", "message#" + fleet.DecisionWanted, "audit", "audit#signup/requested"} {
		want["instance#"+id+" "+sort] = true
	}
	held := records.all(r.ctx)
	for key := range held {
		if !want[key] {
			r.t.Errorf("stored besides: %s %s", key, held[key])
		}
		delete(want, key)
	}
	if len(want) > 0 {
		r.t.Errorf("not stored: %v", want)
	}
	data := keys.all(r.ctx)
	if _, ok := data["key#"+id+" data"]; !ok || len(data) != 1 {
		r.t.Errorf("%d data keys, its own among them: %t", len(data), ok)
	}
	claim, err := r.w.Store.Claim(r.ctx, slug)
	if err != nil || claim == nil || claim.InstanceID != id || !claim.Until.IsZero() {
		r.t.Errorf("the claim: %+v, %v", claim, err)
	}
	r.wantAuditWhole(id)
}

// TestHundredIdenticalSignups: one webhook delivered a hundred times at once makes one signup. Whoever isn't told so at once is told
// to come again, and gets the same answer then.
func TestHundredIdenticalSignups(t *testing.T) {
	t.Parallel()
	withTables(t, nil, func(r *rig, records, keys *kept) {
		body := r.form("acme-dental")
		header := r.sign("msg_1", body)
		var mu sync.Mutex
		var answers []map[string]any
		accepted := 0
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				code, answer := r.do("POST", "/signups", body, header)
				now := code == http.StatusAccepted
				for try := 0; underWay(code, answer) && try < 5; try++ {
					time.Sleep(2 * time.Second)
					code, answer = r.do("POST", "/signups", body, header)
				}
				r.want(http.StatusAccepted, code, answer)
				mu.Lock()
				defer mu.Unlock()
				answers = append(answers, answer)
				if now {
					accepted++
				}
			})
		}
		all.Wait()
		for _, answer := range answers {
			if !maps.Equal(answer, answers[0]) {
				t.Errorf("answers differ: %v, %v", answer, answers[0])
			}
		}
		if accepted == 0 {
			t.Error("nobody was accepted at once")
		}
		r.wantOneSignup(answers[0]["id"].(string), "acme-dental", records, keys)
	})
}

// TestOneWinsASlug: of a hundred companies that want one slug at once, one gets it, the others are told, and nothing of theirs stays.
func TestOneWinsASlug(t *testing.T) {
	t.Parallel()
	withTables(t, nil, func(r *rig, records, keys *kept) {
		var mu sync.Mutex
		codes := map[int]int{}
		winner := ""
		var all sync.WaitGroup
		for i := range 100 {
			body := strings.ReplaceAll(r.form("acme-dental"), "Acme Dental", fmt.Sprint("Company ", i))
			all.Go(func() {
				code, answer := r.post("msg_"+strconv.Itoa(i), body)
				mu.Lock()
				defer mu.Unlock()
				if codes[code]++; code == http.StatusAccepted {
					winner, _ = answer["id"].(string)
				} else if !strings.Contains(fmt.Sprint(answer["detail"]), "slug is taken: choose another") {
					t.Errorf("answered %d %v", code, answer)
				}
			})
		}
		all.Wait()
		if codes[http.StatusAccepted] != 1 || codes[http.StatusConflict] != 99 {
			t.Fatalf("answers: %v", codes)
		}
		r.wantOneSignup(winner, "acme-dental", records, keys)
		code, answer := r.post("msg_late", r.form("acme-dental"))
		r.want(http.StatusConflict, code, answer)
		code, answer = r.post("msg_late", r.form("late-dental")) // the refused id is free for another try
		r.want(http.StatusAccepted, code, answer)
	})
}

// TestSignupDies: whereever the function dies, the webhook that is delivered again makes the one signup, at the latest when the first
// invocation surely is dead; until then it is told to come again.
func TestSignupDies(t *testing.T) {
	t.Parallel()
	for _, point := range []world.Point{{N: 1}, {N: 1, After: true}, {N: 2}, {N: 2, After: true}} {
		point.Function, point.Invocation, point.Commit = "signup", 1, true
		t.Run(fmt.Sprintf("%+v", point), func(t *testing.T) {
			withTables(t, func(o *world.Options) {
				o.Hooks.Dies = func(p world.Point) bool { return p == point }
			}, func(r *rig, records, keys *kept) {
				body := r.form("acme-dental")
				if code, answer := r.post("msg_1", body); code != http.StatusInternalServerError {
					t.Fatalf("answered %d %v though it died", code, answer)
				}
				begun := time.Now()
				code, answer := r.post("msg_1", body)
				held := underWay(code, answer)
				if want := point.N == 1 && point.After || point.N == 2 && !point.After; held != want {
					t.Errorf("held: %t, want %t: %d %v", held, want, code, answer)
				}
				if held {
					r.wantRetryAfter("msg_1", body)
					c, a := r.post("msg_2", body) // nor is the slug another's meanwhile
					r.want(http.StatusConflict, c, a)
				}
				for underWay(code, answer) && time.Since(begun) < time.Minute {
					time.Sleep(time.Second)
					code, answer = r.post("msg_1", body)
				}
				r.want(http.StatusAccepted, code, answer)
				// The function's limit, the margin for clocks, whole seconds, the clocks' own skews, and the sleep of this loop.
				if took := time.Since(begun); took > 15*time.Second+bounds.Margin+2*time.Second+2*bounds.Skew+time.Second {
					t.Errorf("taken over only after %v", took)
				}
				r.wantOneSignup(answer["id"].(string), "acme-dental", records, keys)
			})
		})
	}
}

// wantRetryAfter judges the header of the answer to one that comes too early.
func (r *rig) wantRetryAfter(webhook, body string) {
	r.t.Helper()
	q := httptest.NewRequestWithContext(r.ctx, "POST", "/signups", strings.NewReader(body))
	maps.Copy(q.Header, r.sign(webhook, body))
	out := httptest.NewRecorder()
	r.w.Front().ServeHTTP(out, q)
	if out.Code != http.StatusConflict || out.Header().Get("Retry-After") != "2" {
		r.t.Errorf("answered %d with %v", out.Code, out.Header())
	}
}

// TestSignupDiesForGood: a webhook that is never delivered again after its invocation died holds its slug for seconds, not for ever.
func TestSignupDiesForGood(t *testing.T) {
	t.Parallel()
	withTables(t, func(o *world.Options) {
		o.Hooks.Dies = func(p world.Point) bool {
			return p == world.Point{Function: "signup", Invocation: 1, N: 1, Commit: true, After: true}
		}
	}, func(r *rig, records, keys *kept) {
		code, answer := r.post("msg_1", r.form("acme-dental"))
		r.want(http.StatusInternalServerError, code, answer)
		time.Sleep(time.Minute)
		if held := records.all(r.ctx); len(held) > 0 {
			t.Errorf("left: %v", held)
		}
		code, answer = r.post("msg_2", r.form("acme-dental"))
		r.want(http.StatusAccepted, code, answer)
		r.wantOneSignup(answer["id"].(string), "acme-dental", records, keys)
		code, first := r.post("msg_1", r.form("acme-dental")) // too late now
		r.want(http.StatusConflict, code, first)
	})
}

// broken is a table whose writes fail while it is told to.
type broken struct {
	table.Table
	fails *bool
}

func (b broken) Write(ctx context.Context, writes []table.Write) error {
	if *b.fails {
		return errors.New("not now")
	}
	return b.Table.Write(ctx, writes)
}

// TestSignupWithoutKeyTable: a delivery that can't be finished is given back at once, whole.
func TestSignupWithoutKeyTable(t *testing.T) {
	t.Parallel()
	fails := true
	withTables(t, func(o *world.Options) {
		o.Hooks.Keys = func(_ string, inner table.Table) table.Table { return broken{inner, &fails} }
	}, func(r *rig, records, keys *kept) {
		code, answer := r.post("msg_1", r.form("acme-dental"))
		r.want(http.StatusServiceUnavailable, code, answer)
		if held := records.all(r.ctx); len(held) > 0 {
			t.Errorf("left: %v", held)
		}
		fails = false
		code, answer = r.post("msg_1", r.form("acme-dental"))
		r.want(http.StatusAccepted, code, answer)
		r.wantOneSignup(answer["id"].(string), "acme-dental", records, keys)
	})
}
