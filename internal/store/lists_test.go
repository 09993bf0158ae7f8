package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/chaos"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// signup writes a signup anew.
func (r *rig) signup(instance string, s fleet.Signup) {
	r.Helper()
	s.InstanceID = instance
	r.update(instance, func(tx *store.Tx) error {
		if _, err := tx.Signup(); err != nil {
			return err
		}
		return tx.PutSignup(&s)
	})
}

func (r *rig) signups(status fleet.SignupStatus) []string {
	r.Helper()
	list, err := r.store.Signups(r.Context(), status)
	if err != nil {
		r.Fatal(err)
	}
	ids := []string{}
	for _, s := range list {
		ids = append(ids, s.InstanceID)
	}
	return ids
}

// TestSignupsOrder: waiting ones by request, approved ones by approval; each only in the list of its status.
func TestSignupsOrder(t *testing.T) {
	inBubble(t, func(r *rig) {
		for i, instance := range []string{"d", "b", "a", "c"} {
			r.signup(instance, fleet.Signup{Status: fleet.Requested, RequestedAt: at(10 * i)})
		}
		if got := r.signups(fleet.Requested); !slices.Equal(got, []string{"d", "b", "a", "c"}) {
			r.Errorf("requested: %v", got)
		}
		for i, instance := range []string{"c", "d", "a"} { // another order, and one zone is not the other
			zone := time.FixedZone("", (i-1)*7200)
			r.signup(instance, fleet.Signup{Status: fleet.Approved, RequestedAt: at(0), DecidedAt: at(100 + i).In(zone)})
		}
		if got := r.signups(fleet.Approved); !slices.Equal(got, []string{"c", "d", "a"}) {
			r.Errorf("approved: %v", got)
		}
		if got := r.signups(fleet.Requested); !slices.Equal(got, []string{"b"}) {
			r.Errorf("requested: %v", got)
		}
		if got := r.signups(fleet.Failed); len(got) > 0 {
			r.Errorf("failed: %v", got)
		}
	})
}

// TestListsOfManyPages: a list is whole though the table gives it in pages.
func TestListsOfManyPages(t *testing.T) {
	inBubble(t, func(r *rig) {
		var want []string
		for i := range 12 {
			instance := fmt.Sprintf("instance-%02d", i)
			want = append(want, instance)
			r.signup(instance, fleet.Signup{Status: fleet.Requested, RequestedAt: at(i), Applicant: []byte(strings.Repeat("x", 100_000))})
			r.update(id, func(tx *store.Tx) error {
				return tx.PutResource(&fleet.Resource{Kind: fleet.DNSRecord, Name: instance, Attributes: map[string]string{"x": strings.Repeat("x", 100_000)}})
			})
		}
		if got := r.signups(fleet.Requested); !slices.Equal(got, want) {
			r.Errorf("signups: %v", got)
		}
		ledger, err := r.store.Resources(r.Context(), id)
		if err != nil || len(ledger) != 12 {
			r.Errorf("%d entries, %v", len(ledger), err)
		}
		r.update(id, func(tx *store.Tx) error {
			if ledger, err := tx.Resources(); err != nil || len(ledger) != 12 {
				r.Errorf("%d entries, %v", len(ledger), err)
			}
			return nil
		})
	})
}

func TestInstancesAndIncidents(t *testing.T) {
	inBubble(t, func(r *rig) {
		for i, instance := range []string{"b", "a", "c"} {
			r.update(instance, func(tx *store.Tx) error {
				return tx.PutInstance(&fleet.Instance{ID: instance, State: fleet.Active, CreatedAt: at(i)})
			})
			r.update(instance, func(tx *store.Tx) error { return tx.Open(fleet.Incident{ID: "x", Code: fleet.IncidentOverdue}) })
			time.Sleep(time.Second)
		}
		list, err := r.store.Instances(r.Context(), fleet.Active)
		if err != nil || len(list) != 3 || list[0].ID+list[1].ID+list[2].ID != "bac" {
			r.Errorf("%+v, %v", list, err)
		}
		if list, err := r.store.Instances(r.Context(), fleet.Terminated); err != nil || len(list) > 0 {
			r.Errorf("%+v, %v", list, err)
		}
		open, err := r.store.OpenIncidents(r.Context())
		if err != nil || len(open) != 3 || open[0].InstanceID+open[1].InstanceID+open[2].InstanceID != "bac" {
			r.Errorf("%+v, %v", open, err)
		}
	})
}

// TestRunningOperations: all of the fleet, by deadline; one that has an outcome is not among them.
func TestRunningOperations(t *testing.T) {
	inBubble(t, func(r *rig) {
		put := func(i int, outcome fleet.Outcome) {
			instance := fmt.Sprintf("instance-%02d", i)
			r.update(instance, func(tx *store.Tx) error {
				if _, err := tx.Operation("op"); err != nil {
					return err
				}
				return tx.PutOperation(&fleet.Operation{ID: "op", InstanceID: instance, Outcome: outcome,
					Progress: fleet.Progress{Deadline: at((i * 37) % 20 * 60)}})
			})
		}
		for i := range 20 {
			put(i, "")
		}
		for i := range 10 {
			put(2*i, []fleet.Outcome{fleet.Succeeded, fleet.FailedClean, fleet.FailedDirty}[i%3])
		}
		list, err := r.store.RunningOperations(r.Context())
		if err != nil || len(list) != 10 {
			r.Fatalf("%d operations, %v", len(list), err)
		}
		for i, o := range list {
			if i > 0 && o.Progress.Deadline.Before(list[i-1].Progress.Deadline) || !o.Running() {
				r.Errorf("the %dth: %+v", i, o)
			}
		}
	})
}

// TestRecheckDue: each instance once whose recheck is due at the very instant or before.
func TestRecheckDue(t *testing.T) {
	inBubble(t, func(r *rig) {
		put := func(instance, name string, recheck time.Time) {
			r.update(instance, func(tx *store.Tx) error {
				if _, err := tx.Resource(fleet.DNSRecord, name); err != nil {
					return err
				}
				return tx.PutResource(&fleet.Resource{Kind: fleet.DNSRecord, Name: name, Status: fleet.Absent, RecheckAt: recheck})
			})
		}
		due := func(now time.Time) []string {
			ids, err := r.store.RecheckDue(r.Context(), now)
			if err != nil {
				r.Fatal(err)
			}
			return ids
		}
		put("never", "n", time.Time{})
		put("b", "same name", at(100))
		put("a", "same name", at(100))
		put("a", "x", at(50))
		put("c", "x", at(200))
		put("c", "y", at(100).Add(1))
		for _, test := range []struct {
			now  time.Time
			want []string
		}{
			{at(49), nil}, {at(50), []string{"a"}}, {at(100).Add(-1), []string{"a"}}, {at(100), []string{"a", "b"}},
			{at(100).Add(1), []string{"a", "b", "c"}}, {at(9999).In(time.FixedZone("", -9*3600)), []string{"a", "b", "c"}},
		} {
			if diff := cmp.Diff(test.want, due(test.now)); diff != "" {
				r.Errorf("at %s: %s", test.now, diff)
			}
		}
		put("a", "x", time.Time{})
		put("a", "same name", at(300))
		if diff := cmp.Diff([]string{"b", "c"}, due(at(250))); diff != "" {
			r.Errorf("after a's rechecks: %s", diff)
		}
	})
}

// TestListsLag: lists may miss what was just written; what is read by key, and inside a change, never is.
func TestListsLag(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.signup("old", fleet.Signup{Status: fleet.Requested, RequestedAt: at(0)})
		r.table.Freeze()
		r.signup("new", fleet.Signup{Status: fleet.Requested, RequestedAt: at(1)})
		r.signup("old", fleet.Signup{Status: fleet.Rejected, RequestedAt: at(0)})
		r.update("new", func(tx *store.Tx) error {
			return tx.PutOperation(&fleet.Operation{ID: "op", InstanceID: "new"})
		})
		r.update("new", func(tx *store.Tx) error { return note(tx, "it") })
		if got := r.signups(fleet.Requested); !slices.Equal(got, []string{"old"}) {
			r.Errorf("the list does not lag: %v", got)
		}
		if running, err := r.store.RunningOperations(r.Context()); err != nil || len(running) > 0 {
			r.Errorf("the list does not lag: %+v, %v", running, err)
		}
		s, err := r.store.Signup(r.Context(), "old")
		if err != nil || s.Status != fleet.Rejected {
			r.Errorf("a read lags: %+v, %v", s, err)
		}
		if ledger, err := r.store.Resources(r.Context(), "new"); err != nil || len(ledger) != 1 {
			r.Errorf("the ledger lags: %+v, %v", ledger, err)
		}
		r.update("new", func(tx *store.Tx) error {
			if ledger, err := tx.Resources(); err != nil || len(ledger) != 1 {
				r.Errorf("the ledger lags: %+v, %v", ledger, err)
			}
			return nil
		})
		r.wantChain("new", 1)
		r.table.Thaw()
		if got := r.signups(fleet.Requested); !slices.Equal(got, []string{"new"}) {
			r.Errorf("after the lag: %v", got)
		}
		if running, err := r.store.RunningOperations(r.Context()); err != nil || len(running) != 1 {
			r.Errorf("after the lag: %+v, %v", running, err)
		}
	})
}

// TestRecords: each record comes back as it was written, under its instance, and nothing comes back for what isn't there.
func TestRecords(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.update(id, func(tx *store.Tx) error {
			for _, err := range []error{
				tx.PutInstance(&fleet.Instance{ID: id, Slug: "acme", State: fleet.Active, CreatedAt: at(5)}),
				tx.PutMessage(&fleet.Message{ID: "welcome", Status: fleet.MessageSent}),
				tx.PutSecret("password", []byte{0, 255, 1}),
				tx.PutOperation(&fleet.Operation{ID: "op", N: 3}),
				tx.PutResource(&fleet.Resource{Kind: fleet.TwilioKey, Name: "k#1", ID: "SK1"}),
			} {
				if err != nil {
					return err
				}
			}
			return nil
		})
		for instance, there := range map[string]bool{id: true, "another": false, id[:8]: false} {
			i, err := r.store.Instance(r.Context(), instance)
			messages, errM := r.store.Messages(r.Context(), instance)
			secret, errS := r.store.Secret(r.Context(), instance, "password")
			operations, errO := r.store.Operations(r.Context(), instance)
			resource, errR := r.store.Resource(r.Context(), instance, fleet.TwilioKey, "k#1")
			for _, err := range []error{err, errM, errS, errO, errR} {
				if err != nil {
					r.Error(err)
				}
			}
			if (i != nil) != there || (len(messages) == 1) != there || (secret != nil) != there || (len(operations) == 1) != there || (resource != nil) != there {
				r.Errorf("%s: %+v %+v %v %+v %+v", instance, i, messages, secret, operations, resource)
			}
			if there && (i.Slug != "acme" || messages[0].ID != "welcome" || string(secret) != "\x00\xff\x01" || operations[0].N != 3 || resource.ID != "SK1") {
				r.Errorf("%+v %+v %v %+v %+v", i, messages, secret, operations, resource)
			}
		}
	})
}

func TestDamagedRecord(t *testing.T) {
	inBubble(t, func(r *rig) {
		key := table.Key{Partition: "instance#" + id, Sort: "resource#x#y"}
		if err := r.table.Write(r.Context(), []table.Write{{Op: table.Put, Item: table.Item{Key: key, Body: []byte(`{"kind":5,"name":"hunter2"}`)},
			If: table.Condition{Absent: true}}}); err != nil {
			r.Fatal(err)
		}
		_, err := r.store.Resources(r.Context(), id)
		if r.wantFault(err, fault.Internal); err != nil && strings.Contains(err.Error(), "hunter2") {
			r.Error(err)
		}
		r.wantFault(r.store.Update(r.Context(), id, func(tx *store.Tx) error { _, err := tx.Resources(); return err }), fault.Internal)
	})
}

func TestTableThatDoesNotAnswer(t *testing.T) {
	inBubble(t, func(r *rig) {
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		_, instance := r.store.Instance(ctx, id)
		_, epoch := r.store.Epoch(ctx, id)
		_, ledger := r.store.Resources(ctx, id)
		_, list := r.store.Signups(ctx, fleet.Approved)
		_, running := r.store.RunningOperations(ctx)
		_, due := r.store.RecheckDue(ctx, at(0))
		_, _, audit := r.store.Audit(ctx, id)
		change := r.store.Update(ctx, id, func(tx *store.Tx) error { return note(tx, "it") })
		for _, err := range []error{instance, epoch, ledger, list, running, due, audit, change} {
			r.wantFault(err, fault.Unavailable)
		}
		r.table.Script(chaos.Fault{Kind: chaos.Vanished})
		r.update(id, func(tx *store.Tx) error { return note(tx, "it") })
	})
}

// reading counts the items that queries give.
type reading struct {
	table.Table
	items int
}

func (c *reading) Query(ctx context.Context, q table.Query) (table.Page, error) {
	page, err := c.Table.Query(ctx, q)
	c.items += len(page.Items)
	return page, err
}

// TestEachSignup comes in the order of the list, reads little more than is asked for, passes over what is damaged, and ends where
// the table doesn't answer.
func TestEachSignup(t *testing.T) {
	inBubble(t, func(r *rig) {
		var want []string
		for i := range 60 {
			want = append(want, fmt.Sprintf("i%02d", i))
			r.signup(want[i], fleet.Signup{Status: fleet.Approved, DecidedAt: at(i)})
		}
		counted := &reading{Table: r.table}
		s := store.New(counted, clock.System())
		each := func(ctx context.Context, atMost int) (got []string, failed error) {
			for signup, err := range s.EachSignup(ctx, fleet.Approved) {
				if err != nil {
					failed = err
					continue
				}
				if got = append(got, signup.InstanceID); len(got) == atMost {
					break
				}
			}
			return got, failed
		}
		if got, err := each(r.Context(), 3); err != nil || !slices.Equal(got, want[:3]) || counted.items > 25 {
			r.Errorf("%v, %v, and %d were read", got, err, counted.items)
		}
		if err := r.table.Write(r.Context(), []table.Write{{Op: table.Put, If: table.Condition{Absent: true}, Item: table.Item{
			Key: table.Key{Partition: "instance#b", Sort: "signup"}, Body: []byte(`{"status":5}`),
			Index: map[string]table.Key{store.ByList: {Partition: "signup#APPROVED", Sort: "2000-01-01T00:00:02.000000000Z#b"}}}}}); err != nil {
			r.Fatal(err)
		}
		got, err := each(r.Context(), 100)
		if r.wantFault(err, fault.Internal); !slices.Equal(got, want) {
			r.Errorf("%v", got)
		}
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		got, err = each(ctx, 100)
		if r.wantFault(err, fault.Unavailable); len(got) != 0 {
			r.Errorf("%v of a table that doesn't answer", got)
		}
	})
}

// TestDamagedRecordHidesNoOther: a list gives what decodes, and an error for what doesn't.
func TestDamagedRecordHidesNoOther(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.signup("a", fleet.Signup{Status: fleet.Approved, DecidedAt: at(1)})
		r.signup("c", fleet.Signup{Status: fleet.Approved, DecidedAt: at(3)})
		if err := r.table.Write(r.Context(), []table.Write{{Op: table.Put, If: table.Condition{Absent: true}, Item: table.Item{
			Key: table.Key{Partition: "instance#b", Sort: "signup"}, Body: []byte(`{"status":5}`),
			Index: map[string]table.Key{store.ByList: {Partition: "signup#APPROVED", Sort: "2000-01-01T00:00:02.000000000Z#b"}}}}}); err != nil {
			r.Fatal(err)
		}
		list, err := r.store.Signups(r.Context(), fleet.Approved)
		if r.wantFault(err, fault.Internal); len(list) != 2 || list[0].InstanceID+list[1].InstanceID != "ac" {
			r.Errorf("%+v", list)
		}
	})
}
