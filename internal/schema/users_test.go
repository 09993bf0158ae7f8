package schema_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/sim/postgres/postgrestest"
)

// TestUsersAndSettings tries the plan's number of users, which five of are there, who may go, and settings that don't work.
func TestUsersAndSettings(t *testing.T) {
	conn := populated(t)
	newcomer := "insert into profiles (id, display_name) values ('" + people["newcomer"] + "', 'x');"
	most := func(n int) string { return fmt.Sprintf("update instance_config set max_users = %d;", n) }
	asOwner := become("postgres")
	role := func(name string) string { return " where role = 'admin' and user_id = '" + people[name] + "'" }
	two := become("admin") + "insert into user_roles (user_id, role) values ('" + people["manager"] + "', 'admin');"
	for _, c := range []struct{ name, who, sql, want string }{
		{"the plan's last user", "admin", asOwner + most(6) + become("admin") + newcomer, "1"},
		{"one more", "admin", asOwner + most(5) + become("admin") + newcomer, "GF010"},
		{"one more, by the server", "service_role", most(5) + newcomer, "GF010"},
		{"none", "service_role", most(0) + newcomer, "GF010"},
		{"two at once for one", "service_role", most(6) + "delete from profiles where display_name = 'nobody';" + most(5) +
			"insert into profiles (id, display_name) select id, 'x' from (values ('" + people["newcomer"] + "'::uuid), ('" + people["nobody"] + "')) as v (id)", "GF010"},
		{"who is there already", "service_role", most(5) + "insert into profiles (id, display_name) values ('" + people["member"] + "', 'x') on conflict do nothing", "0"},
		{"in an instance without an administrator", "postgres", most(0) + "delete from user_roles where role = 'admin';" + newcomer, "1"},

		{"the last administrator's role", "admin", "delete from user_roles" + role("admin"), "42501"},
		{"the last administrator's role, changed", "admin", "update user_roles set role = 'member'" + role("admin"), "42501"},
		{"the last administrator's profile", "admin", "delete from profiles where id = '" + people["admin"] + "'", "42501"},
		{"the last administrator's role, handed on", "admin", "update user_roles set user_id = '" + people["nobody"] + "'" + role("admin"), "1"},
		{"the last administrator, by provisioning", "postgres", "delete from user_roles" + role("admin"), "1"},
		{"one administrator of two", "admin", two + "delete from user_roles" + role("admin"), "1"},
		{"both administrators", "admin", two + "delete from user_roles where role = 'admin'", "42501"},
		{"the profile of one of two", "admin", two + "delete from profiles where id = '" + people["admin"] + "'", "1"},
		{"another's role", "admin", "delete from user_roles where role = 'member'", "1"},

		{"a key revoked later", "admin", "update api_keys set revoked_at = now() + interval '1 hour'", "23514"},
		{"a key made to be revoked later", "service_role", "insert into api_keys (name, prefix, key_hash, scopes, revoked_at) values ('x', 'gk_x', sha256('x'), '{x}', now() + interval '1 day')", "23514"},
		{"a key revoked now", "admin", "update api_keys set revoked_at = now()", "1"},

		{"a zone", "admin", "update instance_config set timezone = 'Europe/Berlin'", "1"},
		{"a zone that isn't", "admin", "update instance_config set timezone = 'Mars/Olympus'", "23514"},
		{"one's own zone", "member", "update profiles set timezone = 'Asia/Tokyo' where id = '" + people["member"] + "'", "1"},
		{"one's own, none", "member", "update profiles set timezone = null where id = '" + people["member"] + "'", "1"},
		{"one's own that isn't", "member", "update profiles set timezone = 'Mars/Olympus' where id = '" + people["member"] + "'", "23514"},
	} {
		if got := outcome(t, conn, c.who, c.sql); got != c.want {
			t.Errorf("%s, as %s: %s, want %s", c.name, c.who, got, c.want)
		}
	}
}

func TestUsersAddedAtOnce(t *testing.T) {
	ref, conn := populatedProject(t, len(schema.All()))
	exec(t, conn, "update instance_config set max_users = 7")
	var wg sync.WaitGroup
	var mu sync.Mutex
	outcomes := map[string]int{}
	for i := range 4 {
		id := fmt.Sprintf("00000000-0000-4000-8000-0000000001%02d", i)
		if err := postgrestest.Server(t).AddUser(t.Context(), ref, id, fmt.Sprintf("%d@example.com", i)); err != nil {
			t.Fatal(err)
		}
		adder := superuser(t, ref)
		wg.Go(func() {
			_, err := adder.Exec(t.Context(), "begin; insert into profiles (id, display_name) values ('"+id+"', 'x'); select pg_sleep(0.05); commit")
			code := ""
			if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
				code, err = pg.Code, nil
			}
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			outcomes[code]++
		})
	}
	wg.Wait()
	if outcomes[""] != 2 || outcomes["GF010"] != 2 { // five were there
		t.Errorf("outcomes: %v", outcomes)
	}
}

// TestAdministratorsLeaveAtOnce: two, each of whom would leave the other.
func TestAdministratorsLeaveAtOnce(t *testing.T) {
	ref, conn := populatedProject(t, len(schema.All()))
	exec(t, conn, "insert into user_roles (user_id, role) values ($1, 'admin')", people["manager"])
	var wg sync.WaitGroup
	for _, who := range []string{"admin", "manager"} {
		leaver := superuser(t, ref)
		wg.Go(func() {
			_, _ = leaver.Exec(t.Context(), "begin;"+become(who)+"delete from user_roles where role = 'admin' and user_id = '"+people[who]+"'; select pg_sleep(0.1); commit")
		})
	}
	wg.Wait()
	if n := one[int](t, conn, "select count(*) from user_roles where role = 'admin'"); n != 1 {
		t.Errorf("%d administrators are left", n)
	}
}

// TestTheFirstAdministratorFits: whatever the plan, and again when provisioning is repeated.
func TestTheFirstAdministratorFits(t *testing.T) {
	ref, conn := migrated(t)
	if err := postgrestest.Server(t).AddUser(t.Context(), ref, userID, "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	if err := schema.WriteConfig(t.Context(), conn, schema.Config{InstanceID: instanceID, MaxUsers: new(0)}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := schema.WriteAdmin(t.Context(), conn, userID, "Ada"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestUnknownTimezone: what the server doesn't know fails when the instance is configured, and says what it was.
func TestUnknownTimezone(t *testing.T) {
	both(t, func(t *testing.T, open func() schema.Database, _ func() (schema.Config, bool), _ func() map[string]string) {
		db := open()
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := db.WriteConfig(t.Context(), schema.Config{InstanceID: instanceID, Timezone: "Mars/Olympus"})
		wantCode(t, err, fault.Rejected)
		if !strings.Contains(fmt.Sprint(err), "instance_config_timezone_known") {
			t.Errorf("doesn't say why: %v", err)
		}
	})
}

func TestUpgradeMendsSettings(t *testing.T) {
	conn := populatedAt(t, 16)
	exec(t, conn, "update instance_config set timezone = 'Mars/Olympus'")
	exec(t, conn, "update profiles set timezone = 'Mars/Olympus'")
	exec(t, conn, "update api_keys set revoked_at = now() + interval '1 year'")
	upgrade(t, conn)
	if got := one[string](t, conn, `select c.timezone || ' ' || (select count(timezone) from profiles) || ' ' || (select count(*) from api_keys where revoked_at <= now())
		from instance_config c`); got != "America/New_York 0 1" {
		t.Errorf("after the upgrade: %s", got)
	}
}
