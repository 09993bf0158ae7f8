package world_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/table"
	"github.com/project-gimbal/fleet/internal/view"
)

// list gives the rows by slug, and the slugs in order.
func (r *rig) list(query string) (rows map[string]view.Row, slugs []string) {
	r.t.Helper()
	rows = map[string]view.Row{}
	for _, row := range get[view.Fleet](r, "/instances"+query).Instances {
		rows[row.Slug] = row
		slugs = append(slugs, row.Slug)
	}
	return rows, slugs
}

// TestList: what was signed up for, newest first, each with what it waits for or what is under way.
func TestList(t *testing.T) {
	t.Parallel()
	inBubble(t, func(o *world.Options) {
		exact(o)
		o.Slots = 1
	}, func(r *rig) {
		if all := get[view.Fleet](r, "/instances"); all.Instances == nil || all.Frozen == nil || len(all.Instances) > 0 {
			t.Errorf("nothing is %+v, want empty lists", all)
		}
		ids := map[string]string{}
		for i, slug := range []string{"acme-live", "acme-runs", "acme-next", "acme-last", "acme-asks", "acme-away"} {
			ids[slug] = r.signup(fmt.Sprint("msg_", i), slug)
			time.Sleep(time.Second)
		}
		r.approve(ids["acme-live"])
		r.settle()
		for _, slug := range []string{"acme-runs", "acme-last", "acme-next"} {
			r.approve(ids[slug])
			time.Sleep(time.Second)
		}
		if code, answer := r.do("POST", "/signups/"+ids["acme-away"]+"/reject", `{"reason":"a duplicate"}`, operator); code != http.StatusAccepted {
			t.Fatalf("%d %v", code, answer)
		}
		r.open(ids["acme-runs"], "a", "b")
		rows, slugs := r.list("")
		if want := []string{"acme-away", "acme-asks", "acme-last", "acme-next", "acme-runs", "acme-live"}; !slices.Equal(slugs, want) {
			t.Errorf("order %q, want %q", slugs, want)
		}
		for slug, want := range map[string]view.Row{
			"acme-live": {Signup: fleet.Completed, State: fleet.Active},
			"acme-runs": {Signup: fleet.Admitted, State: fleet.Provisioning, Incidents: 2, Progress: fleet.Progress{Reason: "being provisioned"}},
			"acme-last": {Signup: fleet.Approved, Place: 1, Progress: fleet.Progress{Reason: "waits for a slot"}},
			"acme-next": {Signup: fleet.Approved, Place: 2, Progress: fleet.Progress{Reason: "waits for a slot"}},
			"acme-asks": {Signup: fleet.Requested, Progress: fleet.Progress{Reason: "waits for an operator"}},
			"acme-away": {Signup: fleet.Rejected, Progress: fleet.Progress{Reason: "a duplicate"}},
		} {
			row := rows[slug]
			if row.ID != ids[slug] || row.Signup != want.Signup || row.State != want.State || row.Place != want.Place || row.Incidents != want.Incidents ||
				row.Progress.Reason != want.Progress.Reason || row.Since.IsZero() || row.Plan == "" || row.Region == "" {
				t.Errorf("%s: %+v, want %+v", slug, row, want)
			}
			if (slug != "acme-live") != (row.Progress.NextAction != "") || (slug == "acme-runs" || slug == "acme-asks") != !row.Progress.Deadline.IsZero() {
				t.Errorf("%s is under way, or not: %+v", slug, row.Progress)
			}
		}
		r.freeze("vercel")
		all := get[view.Fleet](r, "/instances")
		if len(all.Frozen) != 1 || all.Frozen[0].Scope != "vercel" {
			t.Errorf("frozen: %+v", all.Frozen)
		}
		if rows, _ = r.list("?signup=APPROVED"); len(rows) != 2 || !strings.Contains(rows["acme-next"].Progress.Reason, "vercel is frozen") || rows["acme-next"].Place != 2 {
			t.Errorf("approved: %+v", rows)
		}
		if rows, _ = r.list("?state=ACTIVE"); len(rows) != 1 || rows["acme-live"].ID == "" {
			t.Errorf("active: %+v", rows)
		}
		if rows, _ = r.list("?state=ACTIVE&signup=APPROVED"); len(rows) != 0 {
			t.Errorf("both: %+v", rows)
		}
		r.refused(http.StatusUnprocessableEntity, "GET", "/instances?state=active&signup=ALL", "", "one of PROVISIONING, ACTIVE")
		r.thaw("vercel")
	})
}

// counting counts a table's reads.
type counting struct {
	table.Table
	mu    *sync.Mutex
	reads *int
}

func (c counting) one() {
	c.mu.Lock()
	defer c.mu.Unlock()
	*c.reads++
}

func (c counting) Get(ctx context.Context, key table.Key, consistent bool) (table.Item, error) {
	c.one()
	return c.Table.Get(ctx, key, consistent)
}

func (c counting) Query(ctx context.Context, q table.Query) (table.Page, error) {
	c.one()
	return c.Table.Query(ctx, q)
}

// TestListOfThousands takes a few reads, however many there are, and fits into an answer of Lambda's.
func TestListOfThousands(t *testing.T) {
	t.Parallel()
	const many = 2000
	var mu sync.Mutex
	reads := 0
	inBubble(t, func(o *world.Options) {
		o.Hooks.Table = func(_ string, inner table.Table) table.Table { return counting{inner, &mu, &reads} }
	}, func(r *rig) {
		for i := range many {
			id := fmt.Sprintf("%08x-1111-4111-8111-111111111111", i)
			s := &fleet.Signup{InstanceID: id, Slug: fmt.Sprint("company-", i), Plan: "tiered", Region: "us-east-1", Status: fleet.Completed,
				RequestedAt: time.Now().Add(time.Duration(i) * time.Second), Applicant: make([]byte, 300)}
			instance := &fleet.Instance{ID: id, Slug: s.Slug, Host: s.Slug + ".gimbal.app", State: fleet.Active, Region: s.Region, Plan: s.Plan, CreatedAt: s.RequestedAt}
			if err := r.w.Store.Update(r.ctx, id, func(tx *store.Tx) error {
				if err := tx.PutSignup(s); err != nil {
					return err
				}
				return tx.PutInstance(instance)
			}); err != nil {
				t.Fatal(err)
			}
		}
		answer, err := r.w.Invoke(r.ctx, "list-instances", []byte(`{"headers":{"authorization":"Bearer `+operatorToken+`"}}`))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(answer), "company-") != many || reads > 40 {
			t.Errorf("%d were listed by %d reads", strings.Count(string(answer), "company-"), reads)
		}
		if each := len(answer) / many; each*10_000 > 6<<20 {
			t.Errorf("each takes %d bytes: 10,000 don't fit into the 6 MB of an answer", each)
		}
	})
}

// TestShow: all that is known, in order; and what is wrong with a chain that somebody changed.
func TestShow(t *testing.T) {
	t.Parallel()
	inBubble(t, faults(t, "sendgrid.SendMail=500-after"), func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		early := get[view.Instance](r, "/instances/"+id)
		if early.State != "" || early.Signup != fleet.Requested || len(early.Audit) != 1 || early.AuditFault != "" || early.Progress.Reason == "" {
			t.Errorf("a signup: %+v", early)
		}
		r.approve(id)
		r.settle()
		v := get[view.Instance](r, "/instances/"+id)
		if v.State != fleet.Active || v.Host != "acme-dental.gimbal.app" || v.Epoch != 1 || len(v.Resources) < 17 || len(v.Operations) != 1 || len(v.Messages) != 3 ||
			len(v.History) != 1 || v.Incidents != 1 || v.AuditFault != "" || v.Signed.DecidedBy != "operator:token" || v.Signed.RequestedAt.IsZero() {
			t.Errorf("an instance: %+v", v)
		}
		for n, e := range v.Audit {
			if e.Seq != int64(n+1) {
				t.Errorf("entry %d is number %d", n+1, e.Seq)
			}
		}
		r.forge(id, v.Audit[4].ID, func(body string) string { return strings.Replace(body, `"outcome":"`, `"outcome":"not `, 1) })
		if v = get[view.Instance](r, "/instances/"+id); !strings.Contains(v.AuditFault, "broken at entry 5") || len(v.Audit) < 10 {
			t.Errorf("a forged entry: %q", v.AuditFault)
		}
		r.forge(id, v.Audit[2].ID, func(string) string { return `{"seq":"x"}` })
		if v = get[view.Instance](r, "/instances/"+id); !strings.Contains(v.AuditFault, "does not decode") {
			t.Errorf("a damaged entry: %q", v.AuditFault)
		}
	})
}

// forge changes an entry of the audit behind the store's back.
func (r *rig) forge(id, entry string, change func(string) string) {
	r.t.Helper()
	item, err := r.table.Get(r.ctx, table.Key{Partition: "instance#" + id, Sort: "audit#" + entry}, true)
	if err != nil {
		r.t.Fatal(err)
	}
	version := item.Version
	item.Body = []byte(change(string(item.Body)))
	if err := r.table.Write(r.ctx, []table.Write{{Op: table.Put, Item: item, If: table.Condition{Version: version}}}); err != nil {
		r.t.Fatal(err)
	}
}
