package world_test

import (
	"context"
	"errors"
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

func sameSorted(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// open opens incidents of an instance, a second apart.
func (r *rig) open(id string, names ...string) {
	r.t.Helper()
	for _, name := range names {
		if err := r.w.Store.Update(r.ctx, id, func(tx *store.Tx) error {
			return tx.Open(fleet.Incident{ID: name, Code: fleet.IncidentOverdue, Reason: "it takes long", NextAction: "look at it"})
		}); err != nil {
			r.t.Fatal(err)
		}
		time.Sleep(time.Second)
	}
}

func (r *rig) acknowledge(instance, id string, closes bool) fleet.Incident {
	r.t.Helper()
	return act[fleet.Incident](r, http.StatusOK, "/incidents/acknowledge", fmt.Sprintf(`{"instance_id":%q,"id":%q,"close":%t}`, instance, id, closes))
}

// incidents are the ids of the open ones.
func (r *rig) incidents() (ids []string) {
	r.t.Helper()
	for _, i := range get[view.Incidents](r, "/incidents").Incidents {
		ids = append(ids, i.ID)
	}
	return ids
}

// TestAcknowledge: the fleet's and the instances' incidents are listed oldest first; whoever sees to one is named, once; one that is
// dealt with leaves the list.
func TestAcknowledge(t *testing.T) {
	t.Parallel()
	inBubble(t, exact, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		if list := get[view.Incidents](r, "/incidents"); list.Incidents == nil || len(list.Incidents) > 0 {
			t.Errorf("none is %+v, want an empty list", list.Incidents)
		}
		r.open(id, "b")
		r.open(fleet.FleetID, "a")
		r.open(id, "c")
		if got := r.incidents(); !slices.Equal(got, []string{"b", "a", "c"}) {
			t.Errorf("open: %q", got)
		}
		first := r.acknowledge(id, "b", false)
		time.Sleep(time.Minute)
		if again := r.acknowledge(id, "b", false); first.AckedBy != "operator:token" || first.AckedAt.IsZero() || again != first {
			t.Errorf("%+v, then %+v", first, again)
		}
		closed := r.acknowledge(fleet.FleetID, "a", true)
		if again := r.acknowledge(fleet.FleetID, "a", true); closed.ClosedAt.IsZero() || closed.AckedBy == "" || again != closed {
			t.Errorf("%+v, then %+v", closed, again)
		}
		if got := r.incidents(); !slices.Equal(got, []string{"b", "c"}) {
			t.Errorf("open: %q", got)
		}
		r.acknowledge(id, "b", true)
		body := fmt.Sprintf(`{"instance_id":%q,"id":"b"}`, id)
		r.refused(http.StatusConflict, "POST", "/incidents/acknowledge", body, "is closed")
		r.refused(http.StatusNotFound, "POST", "/incidents/acknowledge", fmt.Sprintf(`{"instance_id":%q,"id":"z"}`, id), "no such incident")
		r.refused(http.StatusNotFound, "POST", "/incidents/acknowledge", `{"instance_id":"11111111-1111-4111-8111-111111111111","id":"b"}`, "no such incident")
		r.refused(http.StatusUnprocessableEntity, "POST", "/incidents/acknowledge", `{"instance_id":"x","id":""}`, "instance_id")
		for action, n := range map[string]int{"incident.acknowledged": 1, "incident.closed": 1} {
			if got := r.audited(id, action); got != n {
				t.Errorf("%s is audited %d times", action, got)
			}
			if got := r.audited(fleet.FleetID, action); got != n {
				t.Errorf("%s is audited %d times for the fleet", action, got)
			}
		}
		r.wantAuditWhole(id)
		r.wantAuditWhole(fleet.FleetID)
	})
}

// TestAcknowledgeAnothers: an incident that another operator sees to can be closed, not taken.
func TestAcknowledgeAnothers(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		r.open(id, "b")
		if err := r.w.Store.Update(r.ctx, id, func(tx *store.Tx) error {
			i, err := tx.Incident("b")
			if err != nil {
				return err
			}
			i.AckedBy, i.AckedAt = "operator:ada", tx.Now()
			return tx.PutIncident(i)
		}); err != nil {
			t.Fatal(err)
		}
		r.refused(http.StatusConflict, "POST", "/incidents/acknowledge", fmt.Sprintf(`{"instance_id":%q,"id":"b"}`, id), "operator:ada sees to it")
		if closed := r.acknowledge(id, "b", true); closed.AckedBy != "operator:ada" || closed.ClosedAt.IsZero() {
			t.Errorf("%+v", closed)
		}
	})
}

// pager notes what people on call were told.
type pager struct {
	mu    sync.Mutex
	told  []string // the texts
	fails func(subject, text string) error
}

func (p *pager) publish(_ context.Context, subject, text string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fails != nil {
		if err := p.fails(subject, text); err != nil {
			return err
		}
	}
	if len(subject) > 100 || strings.Contains(subject, "\n") {
		return errors.New("no subject that SNS takes: " + subject)
	}
	p.told = append(p.told, subject+"\n"+text)
	return nil
}

// about counts what was told of an incident.
func (p *pager) about(id string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, text := range p.told {
		if strings.Contains(text, "Incident:      "+id+"\n") {
			n++
		}
	}
	return n
}

// TestPage: each open incident is told once, with all that a person needs; one that was closed before isn't.
func TestPage(t *testing.T) {
	t.Parallel()
	p := &pager{}
	inBubble(t, func(o *world.Options) { o.Publish = p.publish }, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		r.open(id, "seen-late", "dealt-with", "overdue-x")
		r.open(fleet.FleetID, "all-of-it")
		r.acknowledge(id, "seen-late", false)
		r.acknowledge(id, "dealt-with", true)
		for range 3 {
			r.invoke("page")
		}
		for incident, n := range map[string]int{"seen-late": 1, "dealt-with": 0, "overdue-x": 1, "all-of-it": 1} {
			if told := p.about(incident); told != n {
				t.Errorf("%s was told %d times, want %d", incident, told, n)
			}
		}
		for _, part := range []string{"Overdue", id, "it takes long", "look at it", "fleetctl runbook Overdue", "fleetctl show " + id} {
			if !strings.Contains(p.told[0], part) {
				t.Errorf("a person is not told %q:\n%s", part, p.told[0])
			}
		}
		if i, err := r.w.Store.Incident(r.ctx, id, "overdue-x"); err != nil || i.PagedAt.IsZero() || !i.ClosedAt.IsZero() {
			t.Errorf("%+v, %v", i, err)
		}
		if got := r.incidents(); len(got) != 3 {
			t.Errorf("open: %q", got)
		}
		r.wantAuditWhole(id)
	})
}

// TestOnePageThatFails holds up no other, whether it can't be told or doesn't decode, and is told when it can be.
func TestOnePageThatFails(t *testing.T) {
	t.Parallel()
	bad := true
	p := &pager{}
	p.fails = func(_, text string) error {
		if bad && strings.Contains(text, "Incident:      b\n") {
			return errors.New("own words of a topic")
		}
		return nil
	}
	inBubble(t, func(o *world.Options) { o.Publish = p.publish }, func(r *rig) {
		id := r.signup("msg_1", "acme-dental")
		r.open(id, "a", "b", "c")
		r.damage(id)
		if _, err := r.w.Invoke(r.ctx, "page", []byte("{}")); err == nil || strings.Contains(err.Error(), "own words") {
			t.Errorf("it says %v", err)
		}
		if p.about("a") != 1 || p.about("b") != 0 || p.about("c") != 1 {
			t.Errorf("told: %q", p.told)
		}
		bad = false
		_, _ = r.w.Invoke(r.ctx, "page", []byte("{}")) // the damaged one goes on failing
		if p.about("a") != 1 || p.about("b") != 1 || p.about("c") != 1 {
			t.Errorf("told: %q", p.told)
		}
	})
}

// damage puts an incident that doesn't decode among those to be told.
func (r *rig) damage(id string) {
	r.t.Helper()
	key := table.Key{Partition: "instance#" + id, Sort: "incident#damaged"}
	if err := r.table.Write(r.ctx, []table.Write{{Op: table.Put, If: table.Condition{Absent: true}, Item: table.Item{Key: key, Body: []byte(`{"id":5}`),
		Index: map[string]table.Key{store.ByDue: {Partition: "page#0", Sort: "1999"}}}}}); err != nil {
		r.t.Fatal(err)
	}
}

// TestPageDies lets page die before and after it told of an incident and wrote that down: it is told at least once, and no other is
// told twice.
func TestPageDies(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 2; n++ {
		for _, commit := range []bool{false, true} {
			for _, after := range []bool{false, true} {
				t.Run(fmt.Sprintf("%d commit %t after %t", n, commit, after), func(t *testing.T) {
					t.Parallel()
					p := &pager{}
					inBubble(t, func(o *world.Options) {
						o.Publish = p.publish
						o.Hooks.Dies = func(at world.Point) bool {
							return at == world.Point{Function: "page", Invocation: 1, N: n, Commit: commit, After: after}
						}
					}, func(r *rig) {
						id := r.signup("msg_1", "acme-dental")
						r.open(id, "a", "b", "c")
						_, _ = r.w.Invoke(r.ctx, "page", []byte("{}")) // dies
						r.invoke("page")
						r.invoke("page")
						total := 0
						for _, incident := range []string{"a", "b", "c"} {
							told := p.about(incident)
							if total += told; told < 1 {
								t.Errorf("%s was never told", incident)
							}
						}
						twice := 0
						if commit && !after || !commit && after { // between the word and its note
							twice = 1
						}
						if total != 3+twice {
							t.Errorf("told %d times", total)
						}
						r.wantAuditWhole(id)
					})
				})
			}
		}
	}
}
