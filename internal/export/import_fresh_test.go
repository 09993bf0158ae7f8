package export_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/project-gimbal/fleet/internal/export"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/schema"
)

// ours is the user that the provisioning of the instance below made.
const ours = "00000000-0000-4000-8000-0000000000ff"

// provisioned is an instance's database as its provisioning left it.
func provisioned(t *testing.T) (owner, super *pgx.Conn) {
	t.Helper()
	owner, super = migrated(t)
	run(t, super, `insert into auth.users (id, email) values ('`+ours+`', 'a@example.com')`) // of the same address as one in the export
	if err := schema.WriteConfig(t.Context(), owner, schema.Config{InstanceID: ours, PrimaryColor: "#654321"}); err != nil {
		t.Fatal(err)
	}
	if err := schema.Seed(t.Context(), owner, schema.Starter{Company: "Another", Vertical: "dental", Locale: "en-US"}); err != nil {
		t.Fatal(err)
	}
	if err := schema.WriteAdmin(t.Context(), owner, ours, "Ada"); err != nil {
		t.Fatal(err)
	}
	return owner, super
}

// TestImportIntoAFreshInstance: all that a provisioning put in is replaced, but what the instance keeps; twice it isn't.
func TestImportIntoAFreshInstance(t *testing.T) {
	dir, m, original := exported(t)
	owner, super := provisioned(t)
	in := export.Import{Conn: owner, Source: export.Directory(dir), Keep: []string{config}, Administrator: ours}
	if _, err := in.Run(t.Context(), m); err != nil {
		t.Fatal(why(err))
	}
	wantSame(t, original, fingerprint(t, super), config+" ")
	if color := one[string](t, super, `select primary_color from public.instance_config`); color != "#654321" {
		t.Errorf("the kept configuration has the colour %s", color)
	}
	run(t, owner, `insert into public.teams (name) values ('goes on')`)
	if _, err := in.Run(t.Context(), m); !fault.Is(err, fault.Conflict) {
		t.Errorf("again: %v", why(err))
	}
}

// TestImportIntoAnInstanceInUse refuses an instance in which anybody has worked, and leaves it as it is.
func TestImportIntoAnInstanceInUse(t *testing.T) {
	dir, m, _ := exported(t)
	for name, c := range map[string]struct{ change, want string }{
		"a contact":      {`insert into public.contacts (team_id, first_name, phone) select id, 'x', '+12025550123' from public.teams`, "public.contacts"},
		"another user":   {`insert into auth.users (id, email) values ('00000000-0000-4000-8000-0000000000fe', 'b@example.com')`, "1 users besides"},
		"a changed team": {`set request.jwt.claims = '{"role":"service_role"}'; update public.teams set name = 'Mine'; reset request.jwt.claims`, "audit log tells"},
		"a new tag":      {`insert into public.tags (team_id, name) select id, 'mine' from public.teams`, "1 tags of its own"},
	} {
		t.Run(name, func(t *testing.T) {
			owner, super := provisioned(t)
			run(t, super, c.change)
			before := fingerprint(t, super)
			in := export.Import{Conn: owner, Source: export.Directory(dir), Keep: []string{config}, Administrator: ours}
			if _, err := in.Run(t.Context(), m); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", why(err), c.want)
			}
			wantSame(t, before, fingerprint(t, super))
		})
	}
}
