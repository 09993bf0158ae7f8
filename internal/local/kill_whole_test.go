//go:build kill

package main

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"testing"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/sim/postgres"
	"github.com/project-gimbal/fleet/internal/view"
)

// wantWhole judges what a system that is down keeps in its folder: every instance is ACTIVE with one of each thing, or
// TERMINATED with none.
func wantWhole(t *testing.T, dir string, instances []view.Instance) {
	t.Helper()
	vendors := keptVendors(t, dir)
	held := map[string][]sim.Held{}
	for _, h := range vendors.Inventory() {
		held[h.Kind+" "+h.Name] = append(held[h.Kind+" "+h.Name], h)
	}
	ended := map[fleet.State]int{}
	for _, i := range instances {
		ended[i.State]++
		wantOneOperation(t, i)
		wantLedgerTrue(t, i, held)
	}
	for what, left := range held {
		t.Errorf("a vendor holds %s, which the ledger does not know: %+v", what, left)
	}
	t.Logf("%d instances are ACTIVE, %d clean", ended[fleet.Active], ended[fleet.Terminated])
	wantSentOnce(t, vendors)
	wantDatabases(t, dir, vendors)
}

// keptVendors are the simulators with the state that the folder keeps.
func keptVendors(t *testing.T, dir string) world.Vendors {
	t.Helper()
	now, err := folder(dir).clock(1)
	if err != nil {
		t.Fatal(err)
	}
	w, err := world.OpenAlone(world.Options{Clock: now, Seed: 1, Credentials: newCredentials()}, func(v sim.Vendor) http.Handler { return v })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() }) // nobody asks it anything
	for _, v := range w.All() {
		var state json.RawMessage
		there, err := folder(dir).read(vendorFile(v), &state)
		if err == nil && there {
			err = v.Load(state)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return w.Vendors
}

// wantOneOperation judges an instance's own records.
func wantOneOperation(t *testing.T, i view.Instance) {
	t.Helper()
	if i.State != fleet.Active && i.State != fleet.Terminated {
		t.Errorf("%s is %s: %+v", i.Slug, i.State, i.Progress)
	}
	provisionings := 0
	for _, o := range i.Operations {
		if o.Kind == fleet.Provision {
			provisionings++
		}
	}
	if provisionings != 1 {
		t.Errorf("%s was provisioned by %d operations", i.Slug, provisionings)
	}
	if i.AuditFault != "" {
		t.Errorf("%s: %s", i.Slug, i.AuditFault)
	}
	if n := len(i.Messages); i.State == fleet.Active && n < len(fleet.NewInstanceMessages()) {
		t.Errorf("%s is ACTIVE, and has %d messages", i.Slug, n)
	}
	for _, m := range i.Messages {
		if !m.Done() {
			t.Errorf("%s: message %s is %s", i.Slug, m.ID, m.Status)
		}
	}
}

// wantLedgerTrue judges an instance's ledger by what the vendors hold, and takes that out of held.
func wantLedgerTrue(t *testing.T, i view.Instance, held map[string][]sim.Held) {
	t.Helper()
	for _, e := range i.Resources {
		key := string(e.Kind) + " " + e.Name
		there := held[key]
		delete(held, key)
		switch {
		case i.State == fleet.Active && slices.Contains(fleet.Settings(), e.Kind) && e.Kind != fleet.AdminUser:
			// vendors list no settings as things that they hold
		case i.State == fleet.Active && (e.Status != fleet.Created || len(there) != 1 || e.ID != e.Name && there[0].ID != e.ID): // some are known by their names
			t.Errorf("%s is ACTIVE; %s is %s as %q in the ledger, and the vendor holds %+v", i.Slug, key, e.Status, e.ID, there)
		case i.State == fleet.Terminated && (!e.Gone() || len(there) > 0):
			t.Errorf("%s is TERMINATED; %s is %s in the ledger, and the vendor holds %+v", i.Slug, key, e.Status, there)
		}
	}
}

// wantSentOnce judges that no message was sent twice.
func wantSentOnce(t *testing.T, vendors world.Vendors) {
	t.Helper()
	sent := map[[3]string]int{}
	for _, m := range vendors.SendGrid.Sent() {
		sent[[3]string{m.To, m.Subject, m.CustomArgs["message_id"]}]++
	}
	for what, n := range sent {
		if n > 1 {
			t.Errorf("%v was sent %d times", what, n)
		}
	}
}

// wantDatabases judges that PostgreSQL, which was killed too, has kept what Supabase's projects hold.
func wantDatabases(t *testing.T, dir string, vendors world.Vendors) {
	t.Helper()
	ctx := t.Context()
	server, err := postgres.Start(ctx, filepath.Join(dir, "postgres"), postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}()
	migrations := len(schema.All())
	for _, h := range vendors.Supabase.Inventory() {
		if h.Kind != string(fleet.SupabaseProject) {
			continue
		}
		conn, err := server.Connect(ctx, h.ID)
		if err != nil {
			t.Error(err)
			continue
		}
		var applied, admins int
		err = conn.QueryRow(ctx, `select (select count(*) from supabase_migrations.schema_migrations), (select count(*) from auth.users)`).Scan(&applied, &admins)
		if err != nil || applied != migrations || admins != 1 {
			t.Errorf("the database of %s has %d of %d migrations, %d users: %v", h.Name, applied, migrations, admins, err)
		}
		if err := conn.Close(ctx); err != nil {
			t.Error(err)
		}
	}
}
