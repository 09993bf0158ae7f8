package world_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/catalog"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/store"
)

// projectEntry is the ledger's of an instance's project.
func (r *rig) projectEntry(id string) fleet.Resource {
	r.t.Helper()
	e, err := r.w.Store.Resource(r.ctx, id, fleet.SupabaseProject, fleet.ResourceName(id))
	if err != nil || e == nil {
		r.t.Fatalf("project of %s: %v, %v", id, e, err)
	}
	return *e
}

// called counts the calls of one operation.
func (r *rig) called(operation string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(r.calls), func(c sim.Call) bool { return c.Operation != operation }))
}

// TestDatabaseIsReachedByItsPooler: where that is is asked once, and every step that opens the database goes there.
func TestDatabaseIsReachedByItsPooler(t *testing.T) {
	t.Parallel()
	inBubble(t, nil, func(r *rig) {
		id := r.provision()
		r.wantActive(id)
		e := r.projectEntry(id)
		host, user := e.Attributes[fleet.DatabaseHost], e.Attributes[fleet.DatabaseUser]
		if !r.w.Vendors.Supabase.Reached(host, user) || !strings.HasSuffix(host, ".pooler.supabase.com") || e.Attributes["region"] == "" {
			t.Errorf("the ledger says %v", e.Attributes)
		}
		if n := r.called("GetPooler"); n != 1 {
			t.Errorf("the pooler was asked for %d times", n)
		}
		if keys := r.databases.Keys(); !slices.Equal(keys, []string{user + "@" + host + ":5432/postgres"}) {
			t.Errorf("databases: %v", keys)
		}
	})
}

// TestProjectOfAnEarlierBuild: its entry doesn't say how the database is reached. Each function that may ask the vendor completes it.
func TestProjectOfAnEarlierBuild(t *testing.T) {
	t.Parallel()
	for _, function := range []string{"migrate-database", "configure-instance", "create-admin"} {
		t.Run(function, func(t *testing.T) {
			var r *rig
			inBubble(t, func(o *world.Options) {
				o.Hooks.Late = func(f string, n int) time.Duration {
					if f == function && n == 1 {
						r.forgetPooler()
					}
					return 0
				}
				o.Hooks.OnCredential = func(f, name string) {
					by, _ := catalog.ByName(f)
					if name == provider.SupabaseToken && !slices.Contains(by.Grants, catalog.Grant(catalog.SecretPrefix+name)) {
						t.Errorf("%s reads %s, which it is not granted", f, name)
					}
				}
			}, func(made *rig) {
				r = made
				id := r.provision()
				r.wantActive(id)
				if e := r.projectEntry(id); !r.w.Vendors.Supabase.Reached(e.Attributes[fleet.DatabaseHost], e.Attributes[fleet.DatabaseUser]) {
					t.Errorf("the ledger says %v", e.Attributes)
				}
				if n := r.called("GetPooler"); n != 2 {
					t.Errorf("the pooler was asked for %d times", n)
				}
			})
		})
	}
}

// forgetPooler makes every project's entry as an earlier build made it.
func (r *rig) forgetPooler() {
	r.t.Helper()
	all, err := r.w.Store.Instances(r.ctx, fleet.Provisioning)
	if err != nil {
		r.t.Error(err)
	}
	for _, i := range all {
		err := r.w.Store.Update(r.ctx, i.ID, func(tx *store.Tx) error {
			e, err := tx.Resource(fleet.SupabaseProject, fleet.ResourceName(i.ID))
			if err != nil || e == nil {
				return err
			}
			delete(e.Attributes, fleet.DatabaseHost)
			delete(e.Attributes, fleet.DatabaseUser)
			return tx.PutResource(e)
		})
		if err != nil {
			r.t.Error(err)
		}
	}
}
