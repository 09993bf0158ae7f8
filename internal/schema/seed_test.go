package schema_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/schema"
	"github.com/project-gimbal/fleet/internal/schema/memory"
	"github.com/project-gimbal/fleet/internal/sim/postgres/postgrestest"
)

// contentOf is every row of starting content, for comparison.
const contentOf = `select jsonb_build_object(
	'teams', (select jsonb_agg(to_jsonb(t) order by id) from teams t), 'members', (select jsonb_agg(to_jsonb(t) order by user_id) from team_members t),
	'library', (select jsonb_agg(to_jsonb(t) order by id) from template_library t), 'templates', (select jsonb_agg(to_jsonb(t) order by id) from message_templates t),
	'opt_out', (select jsonb_agg(to_jsonb(t) order by locale) from opt_out_texts t), 'rules', (select jsonb_agg(to_jsonb(t)) from sending_rules t),
	'tags', (select jsonb_agg(to_jsonb(t) order by id) from tags t), 'jobs', (select jsonb_agg(to_jsonb(t) order by name) from retention_jobs t),
	'audit', (select count(*) from audit_log))`

// TestSeedAfterUpgrade upgrades a database of 0003 with data in it, seeds it, lets the customer work, and seeds again.
func TestSeedAfterUpgrade(t *testing.T) {
	ref, conn := project(t)
	if _, err := schema.Apply(t.Context(), conn, schema.All()[:3]); err != nil {
		t.Fatal(err)
	}
	if err := postgrestest.Server(t).AddUser(t.Context(), ref, userID, "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	exec(t, conn, "insert into profiles (id, display_name) values ($1, 'Ada')", userID)
	exec(t, conn, "insert into user_roles (user_id, role) values ($1, 'admin')", userID)
	exec(t, conn, "insert into instance_config (instance_id, logo_url) values ($1, 'kept')", instanceID)
	if applied, err := schema.Apply(t.Context(), conn, schema.All()); err != nil || len(applied) != len(schema.All())-3 {
		t.Fatalf("upgrade: %v, %v", applied, err)
	}
	if got := one[string](t, conn, "select logo_url from instance_config"); got != "kept" {
		t.Errorf("the upgrade left %q", got)
	}

	starter := schema.Starter{Company: "Zahnarztpraxis Müller", Vertical: "dental", Locale: "de-AT"}
	seed := func(s schema.Starter) {
		t.Helper()
		if err := schema.Seed(t.Context(), conn, s); err != nil {
			t.Fatal(err)
		}
	}
	seed(starter)
	if got := one[string](t, conn, `select t.name || ' ' || r.locale || ' ' || r.vertical || ' ' || (select count(*) from message_templates)
			|| ' ' || (select count(*) from tags where name = 'Neupatient') || ' ' || (select count(*) from team_members) || ' ' || (select count(*) from retention_jobs)
		from teams t, sending_rules r`); got != "Zahnarztpraxis Müller de dental 40 1 1 3" {
		t.Errorf("seeded: %s", got)
	}
	exec(t, conn, "update message_templates set body = 'Servus' where key = 'welcome'")
	exec(t, conn, "update sending_rules set quiet_start = '19:00'")
	exec(t, conn, "update teams set name = 'Empfang'")
	exec(t, conn, "delete from message_templates where key = 'reminder'")
	exec(t, conn, "delete from tags where name = 'Prophylaxe'")
	exec(t, conn, "delete from team_members")
	edited := one[string](t, conn, contentOf)
	seed(starter)
	seed(schema.Starter{Company: "Zahnarztpraxis Müller", Vertical: "dental", Locale: "de"})
	if diff := cmp.Diff(edited, one[string](t, conn, contentOf)); diff != "" {
		t.Errorf("seeding again changed something: %s", diff)
	}
	// The library is what a further team starts with.
	exec(t, conn, "insert into teams (name) values ('Labor')")
	if n := one[int](t, conn, "select count(*) from message_templates m join teams t on t.id = m.team_id where t.name = 'Labor'"); n != 40 {
		t.Errorf("a new team has %d templates", n)
	}
}

func TestSeedEveryVertical(t *testing.T) {
	both(t, func(t *testing.T, open func() schema.Database, _ func() (schema.Config, bool), _ func() map[string]string) {
		db := open()
		wantCode(t, db.Seed(t.Context(), schema.Starter{Company: "Acme"}), fault.Rejected) // no table yet
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantCode(t, db.Seed(t.Context(), schema.Starter{}), fault.Rejected)
		wantCode(t, db.Seed(t.Context(), schema.Starter{Company: "Acme", Vertical: "mining"}), fault.Rejected)
		for _, vertical := range append(fleet.Verticals(), "") {
			if err := db.Seed(t.Context(), schema.Starter{Company: "Acme", Vertical: vertical, Locale: "fr"}); err != nil {
				t.Errorf("%q: %v", vertical, err)
			}
		}
	})
}

func TestAdminJoinsTheFirstTeamOnce(t *testing.T) {
	ref, conn := migrated(t)
	if err := postgrestest.Server(t).AddUser(t.Context(), ref, userID, "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	if err := schema.Seed(t.Context(), conn, schema.Starter{Company: "Acme"}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{1, 1, 0} {
		if i == 2 {
			exec(t, conn, "delete from team_members")
		}
		if err := schema.WriteAdmin(t.Context(), conn, userID, "Ada"); err != nil {
			t.Fatal(err)
		}
		if n := one[int](t, conn, "select count(*) from team_members"); n != want {
			t.Errorf("%d memberships, want %d", n, want)
		}
	}
}

func TestPlanLimits(t *testing.T) {
	last := fleet.Limits{}
	for _, tier := range fleet.Tiers() {
		l := fleet.PlanLimits(fleet.TieredPlan, tier)
		if l.SMS <= last.SMS || l.Email <= last.Email || l.Users <= last.Users {
			t.Errorf("%s allows %+v, the tier below %+v", tier, l, last)
		}
		last = l
	}
	d := memory.Defaults(instanceID)
	if got := fleet.PlanLimits("flat", ""); got != (fleet.Limits{SMS: *d.MonthlySMSLimit, Email: *d.MonthlyEmailLimit, Users: *d.MaxUsers}) {
		t.Errorf("flat: %+v", got)
	}
}
