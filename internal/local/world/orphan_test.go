package world_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/store"
)

// without is a request for an orphan to be deleted, with why there is no export of it.
func without(ask, why string) string {
	return strings.TrimSuffix(ask, "}") + fmt.Sprintf(`,"without_export":"%s"}`, why)
}

// orphaned is a live instance beside whose subaccount there is another one, of which an incident tells, and the request to delete it.
func (c *census) orphaned() (id, path, ask string) {
	c.t.Helper()
	id = c.provision()
	time.Sleep(25 * time.Hour) // rechecks are over
	c.invoke("recheck")
	name := fleet.ResourceName(id)
	c.plant(id, fleet.TwilioSubaccount, name)
	time.Sleep(5 * time.Minute)
	c.compare()
	c.wantTold(id, fleet.IncidentOrphan, 1, "--without-export")
	return id, "/instances/" + id + "/remove-orphan", without(thingOf(fleet.TwilioSubaccount, name), "a test's")
}

// counted has so many terminations count, and says how many do.
func (c *census) counted(more int) (n int) {
	c.t.Helper()
	err := c.w.Store.Update(c.ctx, fleet.FleetID, func(tx *store.Tx) error {
		latest, err := tx.Terminations()
		if err != nil {
			return err
		}
		for i := range more {
			latest = append(latest, fleet.Termination{InstanceID: fmt.Sprint(i), At: tx.Now()})
		}
		n = len(latest)
		return tx.PutTerminations(latest)
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

// subaccounts are how many of an instance's are not closed.
func (c *census) subaccounts(id string) (n int) {
	for _, h := range c.w.Vendors.Inventory() {
		if fleet.Kind(h.Kind) == fleet.TwilioSubaccount && h.Name == fleet.ResourceName(id) {
			n++
		}
	}
	return n
}

// rechecked has the recheck look, and judges how many subaccounts are left.
func (c *census) rechecked(id string, want int) {
	c.t.Helper()
	for range 2 {
		c.invoke("recheck")
		time.Sleep(10 * time.Minute)
	}
	if n := c.subaccounts(id); n != want {
		c.t.Errorf("%d subaccounts are left, want %d", n, want)
	}
}

// TestOrphanTakesTwo: on a day of many terminations what can't be undone takes two operators, whoever is the second; on one of twice as many
// it stops them all.
func TestOrphanTakesTwo(t *testing.T) {
	t.Parallel()
	inCensus(t, nil, func(c *census) {
		id, path, ask := c.orphaned()
		c.counted(fleet.TerminationsADay)
		for range 2 {
			c.refused(http.StatusConflict, "POST", path, ask, "another operator than you")
		}
		c.rechecked(id, 2)
		err := c.w.Store.Update(c.ctx, id, func(tx *store.Tx) error { // whoever has the token is the same operator here
			e, err := tx.Resource(fleet.TwilioSubaccount, fleet.ResourceName(id))
			if err != nil || e.Asked == nil || !e.Asked.Waits || e.Asked.Without != "a test's" || !e.RecheckAt.IsZero() {
				t.Fatalf("%+v, %v", e, err)
			}
			e.Asked.By = "operator:ada"
			return tx.PutResource(e)
		})
		if err != nil {
			t.Fatal(err)
		}
		e := act[fleet.Resource](c.rig, http.StatusAccepted, path, thingOf(fleet.TwilioSubaccount, fleet.ResourceName(id)))
		if e.Asked == nil || e.Asked.By != "operator:ada" || e.Asked.Second == "" || e.Asked.Waits || e.Asked.Without != "a test's" || e.RecheckAt.IsZero() {
			t.Errorf("%+v", e.Asked)
		}
		c.rechecked(id, 1)
		if n := c.counted(0); n != fleet.TerminationsADay+1 {
			t.Errorf("%d count", n)
		}
		c.wantLedgerTrue(id)
		c.wantAuditWhole(id)
	})
}

// TestOrphanAnomaly: on a day of twice as many nothing is deleted for good, by nobody.
func TestOrphanAnomaly(t *testing.T) {
	t.Parallel()
	inCensus(t, nil, func(c *census) {
		id, path, ask := c.orphaned()
		c.counted(2 * fleet.TerminationsADay)
		c.refused(http.StatusConflict, "POST", path, ask, "twice as many as usual")
		c.wantIncident(fleet.FleetID, fleet.IncidentTerminationsStopped)
		c.refused(http.StatusConflict, "POST", path, ask, "terminations are frozen")
		c.rechecked(id, 2)
	})
}

// TestOrphanWaits: what was asked for is not carried out under a hold, nor while terminations are frozen, and is once neither stands.
func TestOrphanWaits(t *testing.T) {
	t.Parallel()
	inCensus(t, nil, func(c *census) {
		id, path, ask := c.orphaned()
		freeze := func(do string) {
			if status, answer := c.do("POST", do, `{"scope":"terminations","reason":"a look"}`, operator); status != http.StatusOK {
				t.Fatalf("%d %v", status, answer)
			}
		}
		freeze("/freeze")
		c.refused(http.StatusConflict, "POST", path, ask, "terminations are frozen")
		thaw := func() {
			if status, answer := c.do("POST", "/thaw", `{"scope":"terminations"}`, operator); status != http.StatusOK {
				t.Fatalf("%d %v", status, answer)
			}
		}
		thaw()
		act[fleet.Resource](c.rig, http.StatusAccepted, path, ask)
		freeze("/freeze")
		c.rechecked(id, 2)
		act[fleet.Hold](c.rig, http.StatusOK, "/instances/"+id+"/hold", `{"why":"a lawsuit"}`)
		thaw()
		c.rechecked(id, 2)
		act[struct{}](c.rig, http.StatusOK, "/instances/"+id+"/lift", `{"why":"it is over"}`)
		c.rechecked(id, 1)
		c.wantLedgerTrue(id)
		c.wantAuditWhole(id)
	})
}

// TestOrphanOfWhatEnded: an instance that ended by its verified export needs no word why, and its orphan counts.
func TestOrphanOfWhatEnded(t *testing.T) {
	t.Parallel()
	inCensus(t, nil, func(c *census) {
		id := c.orphanedAndEnded()
		path, ask := "/instances/"+id+"/remove-orphan", thingOf(fleet.TwilioSubaccount, fleet.ResourceName(id))
		e := act[fleet.Resource](c.rig, http.StatusAccepted, path, ask)
		if e.Asked == nil || e.Asked.Without != "" {
			t.Errorf("%+v", e.Asked)
		}
		c.rechecked(id, 0)
	})
}

// orphanedAndEnded is an instance that was decommissioned and ended, and at Twilio a subaccount of which an incident tells.
func (c *census) orphanedAndEnded() string {
	c.t.Helper()
	id := c.provision()
	if status, answer := c.do("POST", "/instances/"+id+"/decommission", `{"reason":"leaves"}`, operator); status != http.StatusAccepted {
		c.t.Fatalf("%d %v", status, answer)
	}
	c.settle()
	c.ticks(1)
	for range 4 { // over notice and grace
		time.Sleep(31 * 24 * time.Hour)
		c.invoke("due")
		c.settle()
	}
	if i := c.instance(id); i.State != fleet.Terminated || i.Decommission.Stage != fleet.Ended {
		c.t.Fatalf("%s, %+v", i.State, i.Decommission)
	}
	time.Sleep(25 * time.Hour)
	c.invoke("recheck")
	c.plant(id, fleet.TwilioSubaccount, fleet.ResourceName(id))
	time.Sleep(5 * time.Minute)
	c.compare()
	c.wantTold(id, fleet.IncidentOrphan, 1)
	return id
}
