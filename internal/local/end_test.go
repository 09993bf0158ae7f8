package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/events"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/sim/postgres"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/bolt"
	"github.com/project-gimbal/fleet/internal/view"
)

// TestAnEndGoesOnAfterARestart: a one-time schedule whose time came while nothing ran is delivered at the next start, and the
// termination finds the export that an earlier process made; what it proves outlasts this one.
func TestAnEndGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	t.Cleanup(func() {
		if err := postgres.Remove(filepath.Join(dir, "postgres")); err != nil {
			t.Error(err)
		}
	})
	body, err := events.Signup()
	if err != nil {
		t.Fatal(err)
	}
	var id string
	upAndDown(t, dir, func(c client, said *notifying) {
		p, err := c.signup(t.Context(), "msg_1", body)
		if err == nil {
			_, err = c.approve(t.Context(), p.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		id = p.ID
		written(t, said, "op-"+id+"-provision-1 has ended")
		var begun view.Operation
		if err := c.post(t.Context(), "/instances/"+id+"/suspend", view.Suspend{Reason: fleet.ForPayment, Note: "unpaid"}, &begun); err != nil {
			t.Fatal(err)
		}
		written(t, said, "-suspend-1 has ended")
		if _, err := c.export(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	})
	d := overdue(t, folder(dir), id)
	upAndDown(t, dir, func(_ client, said *notifying) {
		written(t, said, fleet.NumberedID(fleet.Terminate, id, d.N)+"-teardown-1 has ended")
	})
	var due map[string]time.Time
	if _, err := folder(dir).read("calendar.json", &due); err != nil || len(due) > 0 {
		t.Errorf("not yet delivered: %v, %v", due, err)
	}
	var proof struct{ Instance string }
	if err := json.Unmarshal(archived(t, folder(dir), ".json", "certificate"), &proof); err != nil || proof.Instance != id {
		t.Errorf("the certificate: %+v, %v", proof, err)
	}
}

// overdue brings a suspended instance of a folder that nobody serves from to the end of its grace, with its schedule.
func overdue(t *testing.T, f folder, id string) (d fleet.Decommission) {
	t.Helper()
	table, err := bolt.Open(f.file("fleet.db"), clock.System(), store.Indexes(), bolt.Options{Bucket: "fleet"})
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(table, clock.System())
	exports, err := s.Exports(t.Context(), id)
	if err != nil || len(exports) != 1 {
		t.Fatalf("%d exports, %v", len(exports), err)
	}
	e := exports[0]
	err = s.Update(t.Context(), id, func(tx *store.Tx) error {
		i, err := tx.Instance()
		if err != nil {
			return err
		}
		d = fleet.Decommission{N: 1, Stage: fleet.InGrace, Reason: "leaves", By: "operator:ada", Before: fleet.Active, GraceEnds: tx.Now().Add(-time.Second),
			FinalExport: new(e.Verified())}
		i.Decommission = &d
		return errors.Join(tx.PutDue(d.GraceEnds), tx.PutInstance(i))
	})
	err = errors.Join(err, table.Close(), f.write("calendar.json", map[string]time.Time{fleet.ScheduleName(fleet.Terminate, id): d.GraceEnds}))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// archived is the only file of the archive whose name has both parts.
func archived(t *testing.T, f folder, ending, part string) []byte {
	t.Helper()
	var found []string
	err := filepath.WalkDir(f.file("archive"), func(name string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(name, ending) && strings.Contains(name, part) {
			found = append(found, name)
		}
		return err
	})
	if err != nil || len(found) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return text
}
