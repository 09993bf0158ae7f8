package step_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/step/bounds"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/chaos"
)

// remove invokes Remove once on what the ledger says now.
func (r *rig) remove(l life) error {
	r.t.Helper()
	i := r.begin(l)
	return i.Remove(i.ctx, i.resource, r.entry())
}

// takeDown invokes Remove until it succeeds.
func (r *rig) takeDown() {
	r.t.Helper()
	var err error
	for range 60 {
		if err = r.remove(life{}); err == nil {
			return
		}
		if !fault.CodeOf(err).Transient() {
			break
		}
		time.Sleep(5 * time.Second)
	}
	r.t.Fatalf("Remove does not converge: %v", err)
}

// TestRemove takes down what the ledger says in each of its statuses, there or not.
func TestRemove(t *testing.T) {
	cases := map[string]struct {
		status  fleet.ResourceStatus
		id      string // in the ledger
		mark    string // of what is at the vendor, under id-1; empty for nothing there
		want    fleet.ResourceStatus
		stays   bool
		deletes int
		code    fault.Code
	}{
		"intended, never seen":             {fleet.Intended, "", "", fleet.Absent, false, 0, ""},
		"intended, there":                  {fleet.Intended, "", ourMark, fleet.Removed, false, 1, ""},
		"intended, another's there":        {fleet.Intended, "", "theirs", fleet.Absent, true, 0, ""},
		"created":                          {fleet.Created, "id-1", ourMark, fleet.Removed, false, 1, ""},
		"created, gone":                    {fleet.Created, "id-1", "", fleet.Removed, false, 1, ""},
		"created, but by now another's":    {fleet.Created, "id-1", "theirs", fleet.Created, true, 0, fault.NotOurs},
		"created, another one of our name": {fleet.Created, "id-9", ourMark, fleet.Removed, false, 2, ""},
		"created, another's of our name":   {fleet.Created, "id-9", "theirs", fleet.Removed, true, 1, ""},
		"removing, still there":            {fleet.Removing, "id-1", ourMark, fleet.Removed, false, 1, ""},
		"removing, but by now another's":   {fleet.Removing, "id-1", "theirs", fleet.Removing, true, 0, fault.NotOurs},
		"removing, gone":                   {fleet.Removing, "id-1", "", fleet.Removed, false, 0, ""},
		"removed":                          {fleet.Removed, "id-1", ourMark, fleet.Removed, true, 0, ""},
		"absent":                           {fleet.Absent, "", ourMark, fleet.Absent, true, 0, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				if c.mark != "" {
					r.vendor.has(c.mark, r.clock.Now())
				}
				r.put(fleet.Resource{Status: c.status, ID: c.id})
				r.wantCode(r.remove(life{}), c.code)
				if e := r.entry(); e.Status != c.want || e.Unknown || e.Estranged != (c.code != "") {
					t.Errorf("the ledger says %+v, want %s", e, c.want)
				}
				if stays := len(r.vendor.live()) > 0; stays != c.stays {
					t.Errorf("it stays: %t, want %t", stays, c.stays)
				}
				r.wantSent("delete", c.deletes)
			})
		})
	}
}

// TestRemoveByID: what the name doesn't show is deleted by the ledger's id only where it is seen to be ours.
func TestRemoveByID(t *testing.T) {
	for name, c := range map[string]struct {
		mark    string // of the resource; empty where its name is its mark
		look    []step.Found
		code    fault.Code
		want    fleet.ResourceStatus
		deletes int
	}{
		"renamed":                     {"", []step.Found{{ID: "id-1", Name: "keep-me"}}, fault.NotOurs, fleet.Created, 0},
		"renamed, under our mark":     {ourMark, []step.Found{{ID: "id-1", Name: "keep-me", Mark: ourMark}}, "", fleet.Removed, 1},
		"renamed, under another's":    {ourMark, []step.Found{{ID: "id-1", Name: "keep-me", Mark: "theirs"}}, fault.NotOurs, fleet.Created, 0},
		"ours, not shown by its name": {"", []step.Found{{ID: "id-1", Name: ourName}}, "", fleet.Removed, 1},
		"gone":                        {"", nil, "", fleet.Removed, 0},
		"the look-up fails":           {"", nil, fault.Unavailable, fleet.Created, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.put(fleet.Resource{Status: fleet.Created, ID: "id-1"})
				i := r.begin(life{})
				res := i.resource
				res.Mark = c.mark
				res.Look = func(context.Context, string) ([]step.Found, error) {
					if c.code == fault.Unavailable {
						return nil, fault.New(c.code, "no answer")
					}
					return c.look, nil
				}
				r.wantCode(i.Remove(i.ctx, res, r.entry()), c.code)
				if e := r.entry(); e.Status != c.want || e.Estranged != (c.code == fault.NotOurs) {
					t.Errorf("the ledger says %+v", e)
				}
				r.wantSent("delete", c.deletes)
				if c.code != fault.NotOurs {
					return
				}
				c.look = nil // it was removed by hand, and the take-down tried again
				r.wantCode(i.Remove(i.ctx, res, r.entry()), "")
				if e := r.entry(); e.Status != fleet.Removed || e.Estranged {
					t.Errorf("the ledger says %+v", e)
				}
			})
		})
	}
	t.Run("not listed yet", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			until := r.clock.Now().Add(bounds.Lag + bounds.Margin)
			r.put(fleet.Resource{Status: fleet.Created, ID: "id-1", LookUntil: until})
			looked := time.Time{}
			remove := func() error {
				i := r.begin(life{})
				res := i.resource
				res.Look = func(context.Context, string) ([]step.Found, error) {
					looked = r.clock.Now()
					return []step.Found{{ID: "id-1", Mark: ourMark}}, nil
				}
				return i.Remove(i.ctx, res, r.entry())
			}
			r.wantCode(remove(), fault.NotReady)
			if e := r.entry(); e.Status != fleet.Created || !looked.IsZero() {
				t.Errorf("asked by id at %s, %+v", looked, e)
			}
			time.Sleep(time.Minute)
			r.wantCode(remove(), "")
			if e := r.entry(); e.Status != fleet.Removed || !looked.After(until) {
				t.Errorf("asked by id at %s, %+v", looked, e)
			}
			r.wantSent("delete", 1)
		})
	})
	t.Run("a double", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			i := r.begin(life{})
			res := i.resource
			res.Name, res.Mark = ourName+"#id-7", ""
			res.Look = func(context.Context, string) ([]step.Found, error) {
				return []step.Found{{ID: "id-7", Name: ourName}}, nil
			}
			e := fleet.Resource{Kind: ourKind, Name: res.Name, Status: fleet.Created, ID: "id-7"}
			r.update(func(tx *store.Tx) error { return tx.PutResource(&e) })
			r.wantCode(i.Remove(i.ctx, res, e), "")
			r.wantSent("delete", 1)
		})
	})
}

// TestRemovedStepByStep follows the statuses and the audit of a removal.
func TestRemovedStepByStep(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.wantCode(r.ensure(false), "")
		var during fleet.ResourceStatus
		r.vendor.next("delete", fate{During: func() { during = r.entry().Status }})
		r.takeDown()
		if e := r.entry(); during != fleet.Created || e.Status != fleet.Removed || e.ID != "id-1" || e.RemovedAt.IsZero() {
			t.Errorf("the ledger said %s, and says %+v", during, e)
		}
		if got := r.audited(); !slices.Equal(got, []string{"resource.created", "resource.removing", "resource.removed"}) {
			t.Errorf("audited: %v", got)
		}
		r.wantSent("delete", 1)
	})
}

// TestRemoveWaits: it is gone only once a look began after all that an attempt, or a lagging list, may still show.
func TestRemoveWaits(t *testing.T) {
	for name, e := range map[string]fleet.Resource{
		"attempt":         {Status: fleet.Intended, Attempt: &fleet.Attempt{Nonce: "another"}},
		"lag":             {Status: fleet.Created, ID: "id-9"},
		"lag, removing":   {Status: fleet.Removing, ID: "id-9"},
		"lag, never seen": {Status: fleet.Intended},
	} {
		for _, took := range []time.Duration{0, 7 * time.Second} {
			t.Run(name+" "+took.String(), func(t *testing.T) {
				inBubble(t, func(r *rig) {
					until := r.clock.Now().Add(bounds.Lag + bounds.Margin)
					if e.Attempt == nil {
						e.LookUntil = until
					} else {
						e.Attempt.Deadline = r.clock.Now().Add(bounds.Lambda)
						until = e.Attempt.Deadline.Add(landed + bounds.Lag)
					}
					r.put(e)
					for range 200 {
						r.vendor.next("find", fate{Before: took})
					}
					r.wantCode(r.remove(life{}), fault.NotReady)
					if now := r.entry(); now.Gone() || (now.Attempt == nil) != (e.Attempt == nil) || !now.LookUntil.Equal(e.LookUntil) {
						t.Errorf("the ledger says %+v", now)
					}
					r.takeDown()
					finds := r.vendor.sent("find")
					if last := finds[len(finds)-1]; !last.At.After(until) {
						t.Errorf("gone after a look at %s, want one after %s", last.At, until)
					}
					if now := r.entry(); !now.Gone() || now.Unknown != (e.Attempt != nil) {
						t.Errorf("the ledger says %+v", now)
					}
				})
			})
		}
	}
}

// TestRemoveMeetsWhatLandsLate: a create that lands at the last moment and is listed at the last moment is removed.
func TestRemoveMeetsWhatLandsLate(t *testing.T) {
	for _, skew := range []time.Duration{-bounds.Skew, 0, bounds.Skew} {
		inBubble(t, func(r *rig) {
			r.vendor.lag = func(string) time.Duration { return bounds.Lag }
			i := r.begin(life{skew: skew})
			r.vendor.next("create", late(bounds.Lambda+bounds.Quiet))
			r.wantCode(i.Ensure(i.ctx, i.resource), fault.NotReady)
			r.takeOver()
			var err error
			for err = fault.New(fault.NotReady, ""); err != nil; {
				i := r.begin(life{epoch: 2, skew: -skew})
				if err = i.Remove(i.ctx, i.resource, r.entry()); err != nil {
					r.wantCode(err, fault.NotReady)
				}
			}
			r.wantLive()
			if len(r.vendor.sent("delete")) == 0 {
				t.Error("nothing landed: this test shows nothing")
			}
			if e := r.entry(); e.Status != fleet.Removed || e.ID == "" || !e.Unknown || e.Attempt == nil || e.Epoch != 2 {
				t.Errorf("the ledger says %+v", e)
			}
		})
	}
}

// TestFaultsOfRemoving: a failure leaves an entry that says what is left to do.
func TestFaultsOfRemoving(t *testing.T) {
	for name, c := range map[string]struct {
		call string
		fate fate
		code fault.Code
	}{
		"look 429":       {"find", throttled, fault.Throttled},
		"look 403":       {"find", rejected, fault.Rejected},
		"look 500":       {"find", failed, fault.Unavailable},
		"look lost":      {"find", lost, fault.Unavailable},
		"delete 429":     {"delete", throttled, fault.Throttled},
		"delete 403":     {"delete", rejected, fault.Rejected},
		"delete 500":     {"delete", failed, fault.Unavailable},
		"delete 502":     {"delete", failedAfter, fault.Unavailable},
		"delete lost":    {"delete", lost, fault.Unavailable},
		"delete late":    {"delete", late(time.Minute), fault.Unavailable},
		"delete refused": {"delete", refused, fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.wantCode(r.ensure(false), "")
				r.vendor.next(c.call, c.fate)
				r.wantCode(r.remove(life{}), c.code)
				if e := r.entry(); e.Status != fleet.Created {
					t.Errorf("the ledger says %+v", e)
				}
				r.takeDown()
				r.vendor.late.Wait()
				r.wantLive()
				if e := r.entry(); e.Status != fleet.Removed || e.Unknown {
					t.Errorf("the ledger says %+v", e)
				}
			})
		})
	}
}

// TestRemoveSurvivesTheStore: lost answers of the store don't show.
func TestRemoveSurvivesTheStore(t *testing.T) {
	for _, kind := range []chaos.Kind{chaos.Conflict, chaos.Lost, chaos.Vanished, chaos.Late} {
		for _, status := range []fleet.ResourceStatus{fleet.Removing, fleet.Removed} {
			t.Run(string(kind)+" "+string(status), func(t *testing.T) {
				inBubble(t, func(r *rig) {
					r.wantCode(r.ensure(false), "")
					r.chaos.Script(chaos.Fault{Kind: kind, Match: ledgerWrite(status), After: time.Minute})
					r.takeDown()
					r.chaos.Drain()
					if e := r.entry(); e.Status != fleet.Removed || r.chaos.Left() > 0 {
						t.Errorf("the ledger says %+v, %d faults are left", e, r.chaos.Left())
					}
					r.wantLive()
				})
			})
		}
	}
}

// TestRemoveDiesAnywhere lets a removal die before and after each of its calls while another one runs beside it.
func TestRemoveDiesAnywhere(t *testing.T) {
	reached := true
	for at := 1; reached; at++ {
		for _, after := range []bool{false, true} {
			inBubble(t, func(r *rig) {
				r.wantCode(r.ensure(false), "")
				time.Sleep(bounds.Lag)
				i, j := r.begin(life{}), r.begin(life{})
				if at <= i.port.n {
					return // it is not worth dying in Begin
				}
				i.port.diesAt, i.port.after = at, after
				entry, done := r.entry(), make(chan error)
				go func() { done <- j.Remove(j.ctx, j.resource, entry) }()
				_ = i.Remove(i.ctx, i.resource, entry) // whatever it says, it is dead
				if err := <-done; err != nil {
					t.Errorf("the one beside it failed: %v", err)
				}
				reached = i.port.dead()
				r.takeDown()
				r.wantLive()
				if e := r.entry(); e.Status != fleet.Removed {
					t.Errorf("died at %d (after it: %t): the ledger says %+v", at, after, e)
				}
			})
		}
	}
}

// TestRemoveOnlyUnderItsEpoch: a run that was taken over deletes and notes nothing more.
func TestRemoveOnlyUnderItsEpoch(t *testing.T) {
	takenOver := map[string]func(r *rig){
		"before":            func(r *rig) {},
		"during the look":   func(r *rig) { r.vendor.next("find", fate{During: r.takeOver}) },
		"during the delete": func(r *rig) { r.vendor.next("delete", fate{During: r.takeOver}) },
	}
	for name, script := range takenOver {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				id := r.vendor.has(ourMark, r.clock.Now())
				r.put(fleet.Resource{Status: fleet.Created, ID: id})
				i := r.begin(life{})
				if script(r); name == "before" {
					r.takeOver()
				}
				r.wantCode(i.Remove(i.ctx, i.resource, r.entry()), fault.StaleEpoch)
				if e := r.entry(); e.Status != fleet.Created {
					t.Errorf("the ledger says %+v", e)
				}
				if name == "before" {
					r.wantLive(id)
				}
			})
		})
	}
	t.Run("at the last commit", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			r.put(fleet.Resource{Status: fleet.Intended})
			r.vendor.next("find", fate{During: r.takeOver})
			r.wantCode(r.remove(life{}), fault.StaleEpoch)
			if e := r.entry(); e.Status != fleet.Intended {
				t.Errorf("the ledger says %+v", e)
			}
		})
	})
}

func TestRemoveOverdue(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.put(fleet.Resource{Status: fleet.Created, ID: r.vendor.has(ourMark, r.clock.Now())})
		time.Sleep(bounds.Provision + 1)
		r.wantCode(r.remove(life{}), fault.Overdue)
		r.wantLive("id-1")
		r.put(fleet.Resource{Status: fleet.Removed})
		r.wantCode(r.remove(life{}), "") // there is nothing left to do
	})
}
