package schema_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/schema/memory"
	"github.com/project-gimbal/fleet/internal/sim/postgres/postgrestest"
)

const (
	instanceID = "0199c0de-0000-7000-8000-000000000001"
	userID     = "0199c0de-0000-7000-8000-0000000000aa"
)

// both runs a test on PostgreSQL and on its stand-in in memory: they must agree.
func both(t *testing.T, f func(t *testing.T, open func() schema.Database, read func() (schema.Config, bool), admins func() map[string]string)) {
	t.Run("postgres", func(t *testing.T) {
		ref, url := postgrestest.Project(t)
		if err := postgrestest.Server(t).AddUser(t.Context(), ref, userID, "ada@example.com"); err != nil {
			t.Fatal(err)
		}
		conn := dial(t, url)
		f(t, func() schema.Database {
			db, err := schema.Open(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close(context.Background()) })
			return db
		}, func() (schema.Config, bool) {
			c, found, err := schema.ReadConfig(t.Context(), conn, instanceID)
			if err != nil {
				t.Fatal(err)
			}
			return c, found
		}, func() map[string]string {
			return one[map[string]string](t, conn, `select coalesce(json_object_agg(p.id, p.display_name), '{}')
				from profiles p join user_roles r on r.user_id = p.id and r.role = 'admin'`)
		})
	})
	t.Run("memory", func(t *testing.T) {
		var store memory.Store
		url := provider.NewSecret("postgres://postgres.x:secret@db.test/x?sslmode=disable")
		key, err := memory.Key(url)
		if err != nil {
			t.Fatal(err)
		}
		f(t, func() schema.Database {
			db, err := store.Open(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			return db
		}, func() (schema.Config, bool) { return store.Config(key) }, func() map[string]string { return store.Admins(key) })
	})
}

func TestConfig(t *testing.T) {
	both(t, func(t *testing.T, open func() schema.Database, read func() (schema.Config, bool), _ func() map[string]string) {
		db := open()
		wantCode(t, db.WriteConfig(t.Context(), schema.Config{InstanceID: instanceID}), fault.Rejected) // no table yet
		for range 2 {
			if err := db.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if _, found := read(); found {
			t.Error("a row before the first write")
		}

		want := memory.Defaults(instanceID)
		steps := []struct {
			name  string
			write schema.Config
			want  func(*schema.Config)
		}{
			{"defaults", schema.Config{}, func(*schema.Config) {}},
			{"branding", schema.Config{LogoURL: "https://example.com/l.svg", PrimaryColor: "#0a0B0c"}, func(c *schema.Config) {
				c.LogoURL, c.PrimaryColor = "https://example.com/l.svg", "#0a0B0c"
			}},
			{"credentials keep branding", schema.Config{TwilioAccountSID: "c1", TwilioAuthToken: "c2", SendGridAPIKey: "c3"}, func(c *schema.Config) {
				c.TwilioAccountSID, c.TwilioAuthToken, c.SendGridAPIKey = "c1", "c2", "c3"
			}},
			{"zero and false are values", schema.Config{MonthlySMSLimit: new(0), GDPREnabled: new(false), DataRetentionDays: new(30)}, func(c *schema.Config) {
				c.MonthlySMSLimit, c.GDPREnabled, c.DataRetentionDays = new(0), new(false), new(30)
			}},
			{"the rest", schema.Config{FaviconURL: "f", SecondaryColor: "#ffffff", CustomCSS: "a{}", Timezone: "Europe/Berlin", Locale: "de-DE",
				DateFormat: "DD.MM.YYYY", MonthlyEmailLimit: new(1), MaxUsers: new(2), EnableAuditLog: new(false)}, func(c *schema.Config) {
				c.FaviconURL, c.SecondaryColor, c.CustomCSS, c.Timezone, c.Locale = "f", "#ffffff", "a{}", "Europe/Berlin", "de-DE"
				c.DateFormat, c.MonthlyEmailLimit, c.MaxUsers, c.EnableAuditLog = "DD.MM.YYYY", new(1), new(2), new(false)
			}},
		}
		for _, s := range steps {
			s.want(&want)
			s.write.InstanceID = instanceID
			for range 2 {
				if err := db.WriteConfig(t.Context(), s.write); err != nil {
					t.Fatalf("%s: %v", s.name, err)
				}
			}
			got, _ := read()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", s.name, diff)
			}
		}

		other := schema.Config{InstanceID: "0199c0de-0000-7000-8000-000000000002", LogoURL: "theirs"}
		wantCode(t, db.WriteConfig(t.Context(), other), fault.NotOurs)
		if got, _ := read(); got.LogoURL != want.LogoURL {
			t.Error("another instance's write went through")
		}
	})
}

func TestAdmin(t *testing.T) {
	both(t, func(t *testing.T, open func() schema.Database, _ func() (schema.Config, bool), admins func() map[string]string) {
		db := open()
		wantCode(t, db.WriteAdmin(t.Context(), userID, "Ada"), fault.Rejected) // no table yet
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantCode(t, db.WriteAdmin(t.Context(), userID, ""), fault.Rejected)
		for _, name := range []string{"Ada", "Ada", "Renamed"} {
			if err := open().WriteAdmin(t.Context(), userID, name); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(map[string]string{userID: "Ada"}, admins()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAdminNeedsAUser(t *testing.T) {
	ref, conn := migrated(t)
	err := schema.WriteAdmin(t.Context(), conn, userID, "Ada")
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != fault.Rejected || f.VendorCode != "23503" {
		t.Errorf("got %v", err)
	}
	if err := postgrestest.Server(t).AddUser(t.Context(), ref, userID, "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	if err := schema.WriteAdmin(t.Context(), conn, userID, "Ada"); err != nil {
		t.Fatal(err)
	}
	exec(t, conn, "delete from auth.users where id = $1", userID)
	if n := one[int](t, conn, "select (select count(*) from profiles) + (select count(*) from user_roles)"); n != 0 {
		t.Errorf("%d rows outlived the user", n)
	}
}

func TestUpdatedAt(t *testing.T) {
	_, conn := migrated(t)
	write := func(c schema.Config) time.Time {
		c.InstanceID = instanceID
		if err := schema.WriteConfig(t.Context(), conn, c); err != nil {
			t.Fatal(err)
		}
		return one[time.Time](t, conn, "select updated_at from instance_config")
	}
	first := write(schema.Config{Locale: "fr-FR"})
	if again := write(schema.Config{Locale: "fr-FR"}); !again.Equal(first) {
		t.Error("a write that changes nothing moved updated_at")
	}
	if changed := write(schema.Config{Locale: "fr-CA"}); !changed.After(first) {
		t.Error("a change left updated_at")
	}
}

func TestRefusedValues(t *testing.T) {
	_, conn := migrated(t)
	for name, c := range map[string]schema.Config{
		"colour":   {InstanceID: instanceID, PrimaryColor: "red;}"},
		"limit":    {InstanceID: instanceID, MaxUsers: new(-1)},
		"instance": {InstanceID: "secret-text"},
	} {
		t.Run(name, func(t *testing.T) {
			err := schema.WriteConfig(t.Context(), conn, c)
			wantCode(t, err, fault.Rejected)
			if strings.Contains(fmt.Sprint(err), "secret-text") {
				t.Errorf("repeats data: %v", err)
			}
		})
	}
	if n := one[int](t, conn, "select count(*) from instance_config"); n != 0 {
		t.Errorf("refused writes left %d rows", n)
	}
}

func TestOpenFails(t *testing.T) {
	ref, _ := postgrestest.Project(t)
	server := postgrestest.Server(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name, url string
		ctx       context.Context
		code      fault.Code
		vendor    string
	}{
		{"not a URL", "postgres://u:s3cret@%zz/x", t.Context(), fault.Internal, ""},
		{"nobody listens", "postgres://u:s3cret@127.0.0.1:1/x?sslmode=disable", t.Context(), fault.Unavailable, ""},
		{"wrong password", postgrestest.WithPassword(t, server.URL(ref), "s3cret").Reveal(), t.Context(), fault.Rejected, "28P01"},
		{"cancelled", postgrestest.WithPassword(t, server.URL(ref), "s3cret").Reveal(), gone, fault.Unavailable, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := schema.Open(c.ctx, provider.NewSecret(c.url))
			f, ok := errors.AsType[*fault.Error](err)
			if !ok || f.Code != c.code || f.VendorCode != c.vendor || !f.NothingHappened {
				t.Errorf("got %+v", f)
			}
			if strings.Contains(fmt.Sprint(err), "s3cret") {
				t.Errorf("tells the password: %v", err)
			}
		})
	}
}
