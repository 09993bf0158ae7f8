package world_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// TestSignupExpires at exactly 14 days, and not a moment before; its slug is free, its link is over, and its applicant is told once.
func TestSignupExpires(t *testing.T) {
	t.Parallel()
	inBubble(t, exact, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		approved := r.signup("msg_2", "beta-dental")
		signed := time.Now()
		link := r.link(id)
		r.freeze("supabase")
		r.approve(approved) // it waits for as long as it takes
		time.Sleep(bounds.Decide - time.Since(signed) - time.Minute)
		r.invoke("expire-signups")
		r.wantSignup(id, fleet.Requested, "")
		r.wantPage("GET", link, nil, http.StatusOK)
		time.Sleep(time.Minute)
		r.wantPage("GET", link, nil, http.StatusGone, "expired")
		r.wantPage("POST", link, approval, http.StatusGone, "expired")
		code, answer := r.do("POST", "/signups/"+id+"/approve", "", operator) // before it is swept
		r.want(http.StatusConflict, code, answer)
		r.wantFree("acme-dental", false)
		for range 3 {
			r.invoke("expire-signups")
			r.invoke("deliver")
		}
		r.wantFree("acme-dental", true)
		if s := r.wantSignup(id, fleet.Expired, "fleet:expiry"); len(s.Applicant) > 0 {
			t.Error("the applicant's data are still there")
		}
		if s := r.status(id); s["status"] != "EXPIRED" || s["reason"] == nil || s["deadline"] != nil {
			t.Errorf("status: %v", s)
		}
		if mails := r.mailed(id, fleet.SignupExpired); len(mails) != 1 {
			t.Errorf("mails: %+v", mails)
		}
		r.wantPage("POST", link, approval, http.StatusGone)
		r.wantSignup(approved, fleet.Approved, "operator:token")
		r.wantAuditWhole(id)
		code, answer = r.post("msg_3", r.form("acme-dental"))
		r.want(http.StatusAccepted, code, answer)
		r.thaw("supabase")
		r.settle()
	})
}

// TestDecidedAtTheMomentOfExpiry: approvals, rejections and the sweep at once, with clocks that differ: one wins.
func TestDecidedAtTheMomentOfExpiry(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		inBubble(t, func(o *world.Options) { o.Seed = seed }, func(r *rig) {
			id := r.signup("msg_1", "acme-dental")
			link := r.link(id)
			s := r.wantSignup(id, fleet.Requested, "")
			time.Sleep(time.Until(s.RequestedAt.Add(bounds.Decide)))
			var all sync.WaitGroup
			for _, act := range []func(){
				func() { r.page("POST", link, approval) },
				func() { r.do("POST", "/signups/"+id+"/approve", "", operator) },
				func() { r.do("POST", "/signups/"+id+"/reject", `{"reason":"because"}`, operator) },
				func() { _, _ = r.w.Invoke(r.ctx, "expire-signups", []byte("{}")) },
				func() { _, _ = r.w.Invoke(r.ctx, "expire-signups", []byte("{}")) },
			} {
				all.Go(act)
			}
			all.Wait()
			r.settle()
			time.Sleep(bounds.Margin)
			r.invoke("expire-signups")
			if n := r.tells(id, "signup.decided"); n != 1 {
				t.Errorf("decided %d times", n)
			}
			s, err := r.w.Store.Signup(r.ctx, id)
			if err != nil || s.Status == fleet.Requested {
				t.Errorf("%+v, %v", s, err)
			}
			r.wantFree("acme-dental", s.Status == fleet.Expired || s.Status == fleet.Rejected)
		})
	}
}

// stale shows of a list, for good, what it was when it was first asked for.
type stale struct {
	table.Table
	mu    sync.Mutex
	first map[string]table.Page
}

func (s *stale) Query(ctx context.Context, q table.Query) (table.Page, error) {
	page, err := s.Table.Query(ctx, q)
	if q.Index != store.ByList || err != nil {
		return page, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, seen := s.first[q.Partition]; seen {
		return first, nil
	}
	s.first[q.Partition] = page
	return page, nil
}

// TestListsLagBehindADecision: what a list still shows as waiting, and is decided, is neither expired nor approved by Fleet.
func TestListsLagBehindADecision(t *testing.T) {
	t.Parallel()
	inBubble(t, func(o *world.Options) {
		exact(o)
		lists := &stale{Table: o.Table, first: map[string]table.Page{}}
		o.Hooks.Table = func(function string, inner table.Table) table.Table {
			if function == "expire-signups" {
				return lists
			}
			return inner
		}
	}, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		rejected := r.signup("msg_2", "beta-dental")
		r.invoke("expire-signups")
		r.freeze("supabase")
		r.approve(id)
		r.reject(rejected)
		time.Sleep(bounds.Decide + time.Hour)
		r.invoke("expire-signups")
		r.wantSignup(id, fleet.Approved, "operator:token")
		r.wantSignup(rejected, fleet.Rejected, "operator:token")
		r.wantFree("acme-dental", false)
		r.wantAuditWhole(id)
	})
}
