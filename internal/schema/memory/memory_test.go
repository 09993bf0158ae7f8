package memory

import (
	"context"
	"slices"
	"testing"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/schema"
)

// What Database does is tested beside PostgreSQL, in package schema; here is what tests use it for.
func TestStore(t *testing.T) {
	failing := ""
	store := Store{Fault: func(_ context.Context, key, operation string) error {
		if key == "u@db.test/b" && operation == failing {
			return fault.New(fault.Rejected, "scripted")
		}
		return nil
	}}
	open := func(url string) (schema.Database, error) { return store.Open(t.Context(), provider.NewSecret(url)) }
	a, err := open("postgres://u:one@db.test/a?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	b, err := open("postgres://u:one@db.test/b")
	if err != nil {
		t.Fatal(err)
	}
	failing = "Migrate"
	if err := a.Migrate(t.Context()); err != nil {
		t.Error(err)
	}
	if err := b.Migrate(t.Context()); !fault.Is(err, fault.Rejected) {
		t.Errorf("the scripted fault gave %v", err)
	}
	if got := store.Keys(); !slices.Equal(got, []string{"u@db.test/a"}) || !store.Migrated("u@db.test/a") || store.Migrated("u@db.test/b") {
		t.Errorf("holds %v", got)
	}
	again, err := open("postgres://u:two@db.test/a") // the password was changed
	if err != nil {
		t.Fatal(err)
	}
	if err := again.WriteConfig(t.Context(), schema.Config{InstanceID: "i"}); err != nil {
		t.Errorf("another password, another database: %v", err)
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Migrate(done); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a cancelled call gave %v", err)
	}
	store.Drop("u@db.test/a")
	if _, found := store.Config("u@db.test/a"); found || len(store.Keys()) != 0 {
		t.Error("a dropped database is still there")
	}
	if _, err := open("not a url"); !fault.Is(err, fault.Internal) {
		t.Errorf("a bad URL gave %v", err)
	}
}
