package step_test

import (
	"testing"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
)

// TestRemoveAll takes down each entry of a kind, doubles too, and then notes what lived inside as gone.
func TestRemoveAll(t *testing.T) {
	inBubble(t, func(r *rig) {
		ours, double := r.vendor.has(ourMark, r.clock.Now()), r.vendor.has(ourMark, r.clock.Now())
		r.put(fleet.Resource{Status: fleet.Created, ID: ours})
		inside := []fleet.Resource{
			{Kind: ourKind, Name: ourName + "#" + double, ID: double, Status: fleet.Created},
			{Kind: fleet.FrontendSettings, Name: ourName, Status: fleet.Created},
			{Kind: fleet.VercelDeployment, Name: ourName, Status: fleet.Intended, Attempt: r.another(0)},
			{Kind: fleet.TwilioKey, Name: ourName, Status: fleet.Created},
			{Kind: fleet.TwilioSubaccount, Name: ourName, Status: fleet.Created},
		}
		r.update(func(tx *store.Tx) error {
			for _, e := range inside {
				if err := tx.PutResource(&e); err != nil {
					return err
				}
			}
			return nil
		})
		r.vendor.next("delete", throttled)
		i := r.begin(life{})
		of := func(e fleet.Resource) step.Resource {
			res := i.resource
			res.Name = e.Name
			return res
		}
		r.wantCode(i.RemoveAll(i.ctx, ourKind, of), fault.Throttled)
		r.wantLive(ours) // the first one's failure does not hold up the second's removal
		if e := r.entryOf(fleet.FrontendSettings, ourName); e.Gone() {
			t.Errorf("the ledger says before its container is gone: %+v", e)
		}
		i = r.begin(life{})
		r.wantCode(i.RemoveAll(i.ctx, ourKind, of), "")
		r.wantLive()
		for _, e := range inside {
			gone := fleet.Inside()[e.Kind] == ourKind || e.Kind == ourKind
			if now := r.entryOf(e.Kind, e.Name); now.Gone() != gone || gone && now.RemovedAt.IsZero() {
				t.Errorf("the ledger says of %s: %+v", e.Kind, now)
			}
		}
	})
}

func TestRemoveInsideOnlyUnderItsEpoch(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.update(func(tx *store.Tx) error {
			return tx.PutResource(&fleet.Resource{Kind: fleet.FrontendSettings, Name: ourName, Status: fleet.Created})
		})
		i := r.begin(life{})
		r.takeOver()
		r.wantCode(i.RemoveInside(i.ctx, ourKind), fault.StaleEpoch)
		if e := r.entryOf(fleet.FrontendSettings, ourName); e.Gone() {
			t.Errorf("the ledger says %+v", e)
		}
	})
}

// TestRemoveStrays deletes what is ours and not the ledger's, beside a live resource and after its removal.
func TestRemoveStrays(t *testing.T) {
	cases := map[string]struct {
		status fleet.ResourceStatus
		id     string
		marks  []string
		left   []string
	}{
		"the ledger's alone":  {fleet.Created, "id-1", []string{ourMark}, []string{"id-1"}},
		"a double":            {fleet.Created, "id-1", []string{ourMark, ourMark}, []string{"id-1"}},
		"an older double":     {fleet.Created, "id-2", []string{ourMark, ourMark}, []string{"id-2"}},
		"another's":           {fleet.Created, "id-1", []string{ourMark, "theirs"}, []string{"id-1", "id-2"}},
		"after the removal":   {fleet.Removed, "id-1", []string{ourMark}, nil},
		"what was never seen": {fleet.Absent, "", []string{ourMark, "theirs"}, []string{"id-2"}},
		"nothing":             {fleet.Absent, "", nil, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				for _, mark := range c.marks {
					r.vendor.has(mark, r.clock.Now())
				}
				r.put(fleet.Resource{Status: c.status, ID: c.id, Unknown: true})
				i := r.begin(life{})
				r.wantCode(i.RemoveStrays(i.ctx, i.resource, r.entry()), "")
				r.wantLive(c.left...)
				if n := len(r.audited()); n != len(c.marks)-len(c.left) {
					t.Errorf("%d removals were audited", n)
				}
				if e := r.entry(); e.Status != c.status {
					t.Errorf("the ledger says %+v", e)
				}
			})
		})
	}
	t.Run("stale", func(t *testing.T) {
		inBubble(t, func(r *rig) {
			id := r.vendor.has(ourMark, r.clock.Now())
			r.put(fleet.Resource{Status: fleet.Absent, Unknown: true})
			i := r.begin(life{})
			r.takeOver()
			r.wantCode(i.RemoveStrays(i.ctx, i.resource, r.entry()), fault.StaleEpoch)
			r.wantLive(id)
		})
	})
	for name, c := range map[string]struct {
		call string
		fate fate
		code fault.Code
	}{"look 429": {"find", throttled, fault.Throttled}, "delete 500": {"delete", failed, fault.Unavailable}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				r.vendor.has(ourMark, r.clock.Now())
				r.put(fleet.Resource{Status: fleet.Absent, Unknown: true})
				r.vendor.next(c.call, c.fate)
				i := r.begin(life{})
				r.wantCode(i.RemoveStrays(i.ctx, i.resource, r.entry()), c.code)
				if n := len(r.audited()); n != 0 {
					t.Errorf("%d removals were audited", n)
				}
			})
		})
	}
}
