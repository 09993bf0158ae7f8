package world_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store/table"
	"github.com/project-gimbal/fleet/internal/view"
)

// TestAutoApproval: a signup of a plan that needs nobody is approved by Fleet, and nobody is asked; one of another plan waits.
func TestAutoApproval(t *testing.T) {
	t.Parallel()
	inBubble(t, func(o *world.Options) { o.AutoApprove = []string{"flat"} }, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		code, answer := r.post("msg_2", strings.Replace(r.form("beta-dental"), `"flat"`, `"usage"`, 1))
		r.want(http.StatusAccepted, code, answer)
		other := answer["id"].(string)
		r.invoke("deliver")
		r.invoke("auto-approve")
		r.settle()
		r.wantSignup(id, fleet.Completed, "fleet:auto-approval")
		r.wantSignup(other, fleet.Requested, "")
		r.invoke("deliver")
		if a, b := len(r.mailed(id, fleet.DecisionWanted)), len(r.mailed(other, fleet.DecisionWanted)); a != 0 || b != 1 {
			t.Errorf("asked %d times for the one, %d for the other", a, b)
		}
	})
}

// TestNoAutoApprovalByDefault: nobody but people approves.
func TestNoAutoApprovalByDefault(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		r.invoke("auto-approve")
		r.wantSignup(id, fleet.Requested, "")
	})
}

// TestQuotaFull: where a vendor has no room, nothing is approved, by whomever; once there is some, it is.
func TestQuotaFull(t *testing.T) {
	t.Parallel()
	full := func(o *world.Options) {
		faults(t, "sendgrid.CreateSubuser=hang@1")(o)
		o.AutoApprove = []string{"flat"}
		o.Quotas = map[string]int{"sendgrid-subusers": 1, "dns-records": 1000, "supabase-projects": 1000, "vercel-projects": 1000, "twilio-subaccounts": 1000}
	}
	inBubble(t, full, func(r *rig) {
		first := r.signup("msg_1", "acme-dental")
		r.freeze("supabase")
		r.approve(first) // the last room, spoken for
		id := r.signup("msg_2", "beta-dental")
		refused := func() {
			t.Helper()
			code, answer := r.do("POST", "/signups/"+id+"/approve", "", operator)
			if r.want(http.StatusConflict, code, answer); !strings.Contains(fmt.Sprint(answer["detail"]), "SendGrid subusers") || strings.Contains(fmt.Sprint(answer["detail"]), "DNS") ||
				!strings.Contains(fmt.Sprint(answer["detail"]), "raise the plan") {
				t.Errorf("answer: %v", answer)
			}
			r.wantSignup(id, fleet.Requested, "")
		}
		refused()
		r.thaw("supabase")
		for range 20 { // while it is made
			time.Sleep(10 * time.Second)
			refused()
		}
		r.settle()
		refused() // now it is used
		r.invoke("auto-approve")
		r.wantSignup(id, fleet.Requested, "")
		r.invoke("deliver") // Fleet may try by itself yet
		if n := len(r.mailed(id, fleet.DecisionWanted)); n != 0 {
			t.Errorf("asked %d times", n)
		}
		time.Sleep(bounds.AutoApproval + bounds.Margin)
		link := r.link(id)
		r.invoke("auto-approve")
		r.wantPage("POST", link, approval, http.StatusConflict, "no room", "SendGrid subusers", "Approve")
		r.wantSignup(id, fleet.Requested, "")
		r.approve(first) // a repeat asks for no room
		r.wantPage("POST", link, rejection, http.StatusOK, "Rejected")
	})
}

// TestAutoApprovalsTogether: what one run approves counts for the next one of it, even where the lists lag.
func TestAutoApprovalsTogether(t *testing.T) {
	t.Parallel()
	inBubble(t, func(o *world.Options) {
		exact(o)
		o.AutoApprove, o.Quotas = []string{"flat"}, map[string]int{"sendgrid-subusers": 2}
		lists := &stale{Table: o.Table, first: map[string]table.Page{}}
		o.Hooks.Table = func(function string, inner table.Table) table.Table {
			if function == "auto-approve" {
				return lists
			}
			return inner
		}
	}, func(r *rig) {
		for n, slug := range []string{"acme-dental", "beta-dental", "gamma-dental", "delta-dental"} {
			r.signup(fmt.Sprint("msg_", n), slug)
		}
		r.freeze("supabase")
		r.invoke("auto-approve")
		approved := get[view.Signups](r, "/signups?status=APPROVED")
		if len(approved.Signups) != 2 {
			t.Errorf("approved: %+v", approved)
		}
	})
}

// TestQuotaUnknown: a vendor that doesn't tell in time keeps an approval back, and says so; nothing is decided.
func TestQuotaUnknown(t *testing.T) {
	t.Parallel()
	inBubble(t, func(o *world.Options) {
		faults(t, "sendgrid.ListSubusers=hang@1-2,sendgrid.ListSubusers=500-before@3-4")(o)
		o.Quotas = map[string]int{"sendgrid-subusers": 15}
	}, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		for range 2 {
			begun := time.Now()
			code, answer := r.do("POST", "/signups/"+id+"/approve", "", operator)
			if r.want(http.StatusFailedDependency, code, answer); !strings.Contains(fmt.Sprint(answer["detail"]), "SendGrid subusers") {
				t.Errorf("answer: %v", answer)
			}
			if took := time.Since(begun); took > 27*time.Second {
				t.Errorf("it took %v", took)
			}
			r.wantSignup(id, fleet.Requested, "")
		}
		r.approve(id)
	})
}
